package engine

import (
	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
	"cuelang.org/go/mod/modfile"
	"golang.org/x/mod/semver"
)

const modFileName = "cue.mod/module.cue"

// defaultModule is the path of a tree that has no module file.
const defaultModule = "main.local@v0"

// parseModFile reads the module file of a tree. module.cue is data only, so
// the syntax tree says everything and nothing needs to be evaluated.
func parseModFile(files Tree, name string) (*modfile.File, errors.Error) {
	src, ok := files[modFileName]
	if !ok {
		f := &modfile.File{Module: defaultModule}
		return f, promote(f.InitNonStrict(), "invalid module file")
	}
	syntax, err := parser.ParseFile(name, src)
	if err != nil {
		return nil, promote(err, "invalid module file")
	}
	f := &modfile.File{}
	pos := syntax.Pos()
	for label, value := range fields(syntax.Decls) {
		switch label {
		case "module":
			f.Module, _ = stringLit(value)
		case "language":
			if v, ok := fieldOf(value, "version"); ok {
				f.Language = &modfile.Language{}
				f.Language.Version, _ = stringLit(v)
				pos = v.Pos()
			}
		case "deps":
			f.Deps = parseDeps(value)
		}
	}
	if f.Module == "" {
		f.Module = defaultModule
	}
	if v := f.Language; v != nil && semver.Compare(v.Version, cue.LanguageVersion()) > 0 {
		return nil, importErrorf(pos, "the module needs CUE language version %s, this evaluator has %s",
			v.Version, cue.LanguageVersion())
	}
	if err := f.InitNonStrict(); err != nil {
		return nil, importErrorf(pos, "invalid module file: %v", err)
	}
	return f, nil
}

func parseDeps(x ast.Expr) map[string]*modfile.Dep {
	deps := map[string]*modfile.Dep{}
	lit, ok := x.(*ast.StructLit)
	if !ok {
		return deps
	}
	for path, value := range fields(lit.Elts) {
		dep := &modfile.Dep{}
		if v, ok := fieldOf(value, "v"); ok {
			dep.Version, _ = stringLit(v)
		}
		if v, ok := fieldOf(value, "default"); ok {
			lit, isLit := v.(*ast.BasicLit)
			dep.Default = isLit && lit.Kind == token.TRUE
		}
		if dep.Version != "" {
			deps[path] = dep
		}
	}
	return deps
}

// fields returns the regular fields of declarations by label, with the short
// form a: b: c spelt out by the parser already.
func fields(decls []ast.Decl) map[string]ast.Expr {
	m := map[string]ast.Expr{}
	for _, d := range decls {
		f, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		if name, _, err := ast.LabelName(f.Label); err == nil {
			if old, ok := m[name].(*ast.StructLit); ok {
				if more, ok := f.Value.(*ast.StructLit); ok {
					m[name] = &ast.StructLit{Elts: append(append([]ast.Decl{}, old.Elts...), more.Elts...)}
					continue
				}
			}
			m[name] = f.Value
		}
	}
	return m
}

func fieldOf(x ast.Expr, name string) (ast.Expr, bool) {
	lit, ok := x.(*ast.StructLit)
	if !ok {
		return nil, false
	}
	value, ok := fields(lit.Elts)[name]
	return value, ok
}
