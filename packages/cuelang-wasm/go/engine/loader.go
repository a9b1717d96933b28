package engine

import (
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
)

// loader builds the packages of one main module and of what it imports.
type loader struct {
	main     *source
	builtins []*source
	deps     []*source
	ctx      *build.Context
	stack    []string
}

// location is a package found: its module, its folders, its canonical path.
type location struct {
	src       *source
	dirs      []string
	base      string
	name      string
	canonical string
}

func newLoader(main *source, builtins, deps []*source) *loader {
	l := &loader{main: main, builtins: builtins, deps: deps}
	l.ctx = build.NewContext()
	return l
}

// loadMain builds the package in a folder of the main module: ".", "./sub",
// either with ":name". A folder without package clauses is a package too.
func (l *loader) loadMain(pkg string) (*build.Instance, errors.Error) {
	dir, name, _ := strings.Cut(pkg, ":")
	dir = strings.TrimPrefix(path.Clean("/"+dir), "/")
	if len(l.main.dirs[dir]) == 0 {
		return nil, importErrorf(token.NoPos, "no CUE files in package %q", pkg)
	}
	if name == "" {
		found, err := l.packageNames(l.main, dir)
		if err != nil {
			return nil, err
		}
		if len(found) > 1 {
			return nil, importErrorf(token.NoPos, "found packages %s in %q: name one as %q",
				strings.Join(found, ", "), pkg, pkg+":"+found[0])
		}
		if len(found) == 1 {
			name = found[0]
		}
	}
	base := path.Join(l.main.root, dir)
	loc := &location{src: l.main, dirs: []string{dir}, name: name, base: base}
	loc.canonical = canonical(base, l.main.major, name)
	inst := l.build(loc)
	return inst, inst.Err
}

func canonical(base, major, name string) string {
	return ast.ImportPath{Path: base, Version: major, Qualifier: name, ExplicitQualifier: name != ""}.Canonical().String()
}

func (l *loader) packageNames(s *source, dir string) ([]string, errors.Error) {
	var names []string
	var errs errors.Error
	for _, file := range s.dirs[dir] {
		f, err := s.parse(file, false)
		if err != nil {
			errs = errors.Append(errs, promote(err, ""))
			continue
		}
		name := f.PackageName()
		if name != "" && name != "_" && included(f) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, errs
}

// build makes the instance of a package: the files of its folders and, as CUE
// has it, those of the same package in the folders above within the module.
func (l *loader) build(loc *location) *build.Instance {
	inst := l.ctx.NewInstance(loc.base, l.importLoader(loc.src))
	inst.Module = loc.src.mod.QualifiedModule()
	inst.ModuleFile = loc.src.mod
	inst.PkgName = loc.name
	inst.ImportPath = loc.canonical
	inst.CanonicalID = loc.canonical
	inst.DisplayPath = loc.canonical
	if slices.Contains(l.stack, loc.canonical) {
		inst.ReportError(importErrorf(token.NoPos, "import cycle: %s", strings.Join(append(l.stack, loc.canonical), " -> ")))
		return inst
	}
	l.stack = append(l.stack, loc.canonical)
	defer func() { l.stack = l.stack[:len(l.stack)-1] }()

	for _, dir := range loc.dirs {
		l.addFolders(inst, loc, dir)
	}
	if len(inst.Files) == 0 && inst.Err == nil {
		inst.ReportError(importErrorf(token.NoPos, "no files of package %q in %s", loc.name, loc.base))
	}
	inst.CanonicalImportPath = func(p string) string {
		if found, err := l.find(loc.src, p, token.NoPos); err == nil && found != nil {
			return found.canonical
		}
		return p
	}
	l.checkImports(inst, loc.src)
	if inst.Err == nil {
		_ = inst.Complete()
	}
	return inst
}

func (l *loader) addFolders(inst *build.Instance, loc *location, dir string) {
	for first := true; ; first = false {
		added := false
		for _, file := range loc.src.dirs[dir] {
			f, err := loc.src.parse(file, false)
			if err != nil {
				inst.ReportError(promote(err, ""))
				continue
			}
			name := f.PackageName()
			if name == "_" {
				name = ""
			}
			if name != loc.name || name == "" && !first || !included(f) {
				continue
			}
			f, _ = loc.src.parse(file, true)
			_ = inst.AddSyntax(f)
			added = true
		}
		if dir == "" || first && !added || strings.HasPrefix(dir, "cue.mod/") || loc.src.submodules[dir] {
			return
		}
		if dir = path.Dir(dir); dir == "." {
			dir = ""
		}
	}
}

// checkImports reports every package that is missing, each at its import; the
// build itself would stop at the first.
func (l *loader) checkImports(inst *build.Instance, src *source) {
	for _, f := range inst.Files {
		for spec := range f.ImportSpecs() {
			p, ok := stringLit(spec.Path)
			if !ok {
				continue
			}
			if _, err := l.find(src, p, spec.Path.Pos()); err != nil {
				inst.ReportError(err)
			}
		}
	}
}
