package engine

import (
	"fmt"
	"path"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
)

// importError marks an error as one of finding packages.
type importError struct{ cueError }

type cueError = errors.Error

func importErrorf(pos token.Pos, format string, args ...any) errors.Error {
	return &importError{errors.Newf(pos, format, args...)}
}

func (e *importError) Unwrap() error { return e.cueError }

// importLoader is the load function of the build context: nil stands for a
// package of CUE's own, which the runtime knows.
func (l *loader) importLoader(src *source) build.LoadFunc {
	return func(pos token.Pos, p string) *build.Instance {
		loc, err := l.find(src, p, pos)
		if err != nil {
			inst := l.ctx.NewInstance(p, nil)
			inst.ReportError(err)
			return inst
		}
		if loc == nil {
			return nil
		}
		return l.build(loc)
	}
}

// find tells where the package of an import path is. The order is: the
// importing module, the built-in modules, CUE's own packages, the vendored
// trees of the main module, the dependencies.
func (l *loader) find(from *source, importPath string, pos token.Pos) (*location, errors.Error) {
	ip := ast.ParseImportPath(importPath)
	if ip.Path == "" || strings.HasPrefix(ip.Path, ".") || strings.HasPrefix(ip.Path, "/") {
		return nil, importErrorf(pos, "relative import %q is not allowed", importPath)
	}
	local := append([]*source{from}, l.builtins...)
	for _, s := range local {
		if loc := s.locate(ip); loc != nil {
			return loc, nil
		}
	}
	if first, _, _ := strings.Cut(ip.Path, "/"); !strings.Contains(first, ".") {
		return nil, nil
	}
	vendored := l.vendored(ip)
	best, err := l.dependency(from, ip, pos)
	switch {
	case err != nil:
		return nil, err
	case vendored != nil && best != nil:
		return nil, importErrorf(pos, "ambiguous import %q: it is vendored in cue.mod and a dependency", importPath)
	case vendored != nil:
		return vendored, nil
	case best != nil:
		return best, nil
	}
	return nil, importErrorf(pos, "cannot find package %q", importPath)
}

// dependency picks the dependency with the longest path that has the package;
// among majors the one named, else the importer's default, else the only one.
func (l *loader) dependency(from *source, ip ast.ImportPath, pos token.Pos) (*location, errors.Error) {
	var best, other *location
	for _, s := range l.deps {
		loc := s.locate(ip)
		if loc == nil || best != nil && len(s.root) < len(best.src.root) {
			continue
		}
		if best == nil || len(s.root) > len(best.src.root) {
			best, other = loc, nil
			continue
		}
		if from.mod.DefaultMajorVersions()[s.root] == s.major {
			best, other = loc, nil
		} else if from.mod.DefaultMajorVersions()[s.root] != best.src.major {
			other = loc
		}
	}
	if other != nil {
		return nil, importErrorf(pos, "ambiguous import %q: both %s and %s have it", ip.String(),
			fmt.Sprintf("%s@%s", best.src.root, best.src.major), fmt.Sprintf("%s@%s", other.src.root, other.src.major))
	}
	return best, nil
}

// locate finds a package in a module, nil if it isn't there.
func (s *source) locate(ip ast.ImportPath) *location {
	if ip.Version != "" && ip.Version != s.major {
		return nil
	}
	if ip.Path != s.root && !strings.HasPrefix(ip.Path, s.root+"/") {
		return nil
	}
	dir := strings.TrimPrefix(strings.TrimPrefix(ip.Path, s.root), "/")
	if len(s.dirs[dir]) == 0 || !s.owns(dir) {
		return nil
	}
	return &location{src: s, dirs: []string{dir}, base: ip.Path, name: ip.Qualifier,
		canonical: canonical(ip.Path, s.major, ip.Qualifier)}
}

// vendored finds a package in the main module's cue.mod/{gen,usr,pkg}; where
// several have it their files are one package.
func (l *loader) vendored(ip ast.ImportPath) *location {
	loc := &location{src: l.main, base: ip.Path, name: ip.Qualifier, canonical: ip.Canonical().String()}
	for _, sub := range []string{"cue.mod/gen", "cue.mod/usr", "cue.mod/pkg"} {
		if dir := path.Join(sub, ip.Path); len(l.main.dirs[dir]) > 0 {
			loc.dirs = append(loc.dirs, dir)
		}
	}
	if loc.dirs == nil {
		return nil
	}
	return loc
}
