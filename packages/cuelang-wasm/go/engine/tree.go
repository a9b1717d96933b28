package engine

import (
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
	"cuelang.org/go/mod/modfile"
)

// source is a module's tree with its module file read.
type source struct {
	files Tree
	// display is put before file names: empty for the main module.
	display string
	mod     *modfile.File
	// root and major identify the module: example.com/x and v0.
	root, major string
	// dirs lists the CUE files that may belong to a package, by folder.
	dirs map[string][]string
	// submodules are folders that hold a module of their own.
	submodules map[string]bool
	parsed     map[string]*ast.File
}

func newSource(files Tree, display string) (*source, errors.Error) {
	s := &source{files: files, display: display, dirs: map[string][]string{}, submodules: map[string]bool{},
		parsed: map[string]*ast.File{}}
	mod, err := parseModFile(files, path.Join(display, modFileName))
	if err != nil {
		return nil, err
	}
	s.mod = mod
	s.root, s.major, _ = ast.SplitPackageVersion(mod.QualifiedModule())
	for name := range files {
		dir, base := path.Split(name)
		dir = strings.TrimSuffix(dir, "/")
		if base == "module.cue" && path.Base(dir) == "cue.mod" {
			if dir != "cue.mod" {
				s.submodules[path.Dir(dir)] = true
			}
			continue
		}
		if isPackageFile(base) {
			s.dirs[dir] = append(s.dirs[dir], name)
		}
	}
	for _, names := range s.dirs {
		slices.Sort(names)
	}
	return s, nil
}

// isPackageFile excludes what the cue command leaves out of packages too.
func isPackageFile(base string) bool {
	return strings.HasSuffix(base, ".cue") && !strings.HasPrefix(base, ".") && !strings.HasPrefix(base, "_") &&
		!strings.HasSuffix(base, "_tool.cue") && !strings.HasSuffix(base, "_test.cue")
}

// owns reports whether a folder belongs to this module, not to one inside it.
func (s *source) owns(dir string) bool {
	for d := dir; d != "" && d != "."; d = path.Dir(d) {
		if s.submodules[d] {
			return false
		}
	}
	return true
}

// parse returns the syntax of a file. With take the caller may change it, as
// resolving identifiers does, so the next caller gets a fresh one.
func (s *source) parse(name string, take bool) (*ast.File, error) {
	if f, ok := s.parsed[name]; ok {
		if take {
			delete(s.parsed, name)
		}
		return f, nil
	}
	opts := []parser.Option{parser.ParseComments}
	if s.mod.Language != nil {
		opts = append(opts, parser.Version(s.mod.Language.Version))
	}
	f, err := parser.ParseFile(path.Join(s.display, name), s.files[name], opts...)
	if err == nil && !take {
		s.parsed[name] = f
	}
	return f, err
}

// included tells whether a file is built when no tag is set: as the cue
// command has it for @ignore and @if before the package clause.
func included(f *ast.File) bool {
	for _, d := range f.Decls {
		switch x := d.(type) {
		case *ast.Attribute:
			key, body := x.Split()
			if key == "ignore" {
				return false
			}
			if key == "if" {
				expr, err := parser.ParseExpr("", body)
				if err != nil || !withoutTags(expr) {
					return false
				}
			}
		case *ast.CommentGroup:
		default:
			return true
		}
	}
	return true
}

func withoutTags(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.ParenExpr:
		return withoutTags(x.X)
	case *ast.UnaryExpr:
		return x.Op == token.NOT && !withoutTags(x.X)
	case *ast.BinaryExpr:
		if x.Op == token.LAND {
			return withoutTags(x.X) && withoutTags(x.Y)
		}
		return x.Op == token.LOR && (withoutTags(x.X) || withoutTags(x.Y))
	}
	return false
}

func stringLit(x ast.Expr) (string, bool) {
	lit, ok := x.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := literal.Unquote(lit.Value)
	return s, err == nil
}
