package refs

import (
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"
)

// isChain tells references, with or without selectors, from other expressions.
func isChain(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr:
		return true
	case *ast.ParenExpr:
		return isChain(x.X)
	}
	return false
}

// chain follows a reference. It returns no vertex for what has no place: types,
// CUE's own packages, keys. The second result is what is read on the way.
func (a *Analysis) chain(x ast.Expr, e *env) (*vertex, []conj) {
	if !a.step() {
		return nil, nil
	}
	switch x := x.(type) {
	case *ast.ParenExpr:
		return a.chain(x.X, e)
	case *ast.Ident:
		return a.resolve(x.Name, e), nil
	case *ast.SelectorExpr:
		v, deps := a.chain(x.X, e)
		s, known := labelOf(x.Sel)
		if v == nil {
			return nil, deps
		}
		if !known {
			a.unsure = true
			return nil, deps
		}
		return a.arc(v, s), deps
	case *ast.IndexExpr:
		v, deps := a.chain(x.X, e)
		s, known := indexSel(x.Index)
		if !known {
			deps = append(deps, conj{expr: x.Index, env: e})
		}
		if v == nil {
			return nil, deps
		}
		return a.arc(v, s), deps
	}
	return a.expression(x, e), nil
}

func indexSel(x ast.Expr) (sel, bool) {
	if lit, ok := x.(*ast.BasicLit); ok {
		switch lit.Kind {
		case token.STRING:
			if s, err := literal.Unquote(lit.Value); err == nil {
				if strings.HasPrefix(s, "#") || strings.HasPrefix(s, "_") {
					return sel{name: s, kind: quoted}, true
				}
				return labelSel(s), true
			}
		case token.INT:
			if n, err := strconv.Atoi(lit.Value); err == nil {
				return labelSel(strconv.Itoa(n)), true
			}
		}
	}
	return sel{kind: anyField}, false
}

// resolve finds what a name stands for, from the innermost scope outwards.
func (a *Analysis) resolve(name string, e *env) *vertex {
	for ; e != nil; e = e.up {
		if b, ok := e.binds[name]; ok {
			return a.bound(b)
		}
		if e.node == nil {
			continue
		}
		if v, ok := a.declared(name, e); ok {
			return v
		}
		if e.up == nil {
			return a.packageScope(name, e)
		}
	}
	return nil
}

// declared looks a name up among the declarations of one struct.
func (a *Analysis) declared(name string, e *env) (*vertex, bool) {
	for _, d := range e.decls {
		switch x := d.(type) {
		case *ast.Field:
			if id, ok := x.Label.(*ast.Ident); ok && id.Name == name {
				return a.arc(e.node, labelSel(name)), true
			}
			alias, isAlias := x.Label.(*ast.Alias)
			if isAlias && alias.Ident.Name == name || x.Alias != nil && x.Alias.Field.Name == name {
				s, known := labelOf(x.Label)
				if !known {
					s = sel{kind: anyField}
				}
				return a.arc(e.node, s), true
			}
		case *ast.LetClause:
			if x.Ident.Name == name {
				return a.expression(x.Expr, e), true
			}
		case *ast.Alias:
			if x.Ident.Name == name {
				return a.expression(x.Expr, e), true
			}
		case *ast.EmbedDecl:
			if alias, ok := x.Expr.(*ast.Alias); ok && alias.Ident.Name == name {
				return e.node, true
			}
		}
	}
	return nil, false
}

// packageScope looks a name up among the file's imports and all files' fields.
func (a *Analysis) packageScope(name string, e *env) *vertex {
	if e.file != nil {
		for spec := range e.file.ImportSpecs() {
			path, err := literal.Unquote(spec.Path.Value)
			if err != nil {
				continue
			}
			inst := e.inst.LookupImport(path)
			if importName(spec, path, inst) == name {
				return a.imported(inst)
			}
		}
	}
	for _, f := range e.inst.Files {
		for _, d := range f.Decls {
			if x, ok := d.(*ast.Field); ok {
				if id, ok := x.Label.(*ast.Ident); ok && id.Name == name {
					return a.arc(e.node, labelSel(name))
				}
			}
		}
	}
	if name == "self" || name == "__self" {
		a.unsure = true
	}
	return nil
}

func importName(spec *ast.ImportSpec, path string, inst *build.Instance) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	if inst != nil && inst.PkgName != "" {
		return inst.PkgName
	}
	return ast.ParseImportPath(path).Qualifier
}

// imported returns the top of an imported package, none for CUE's own.
func (a *Analysis) imported(inst *build.Instance) *vertex {
	if inst == nil {
		return nil
	}
	v := a.packages[inst.ImportPath]
	if v == nil {
		v = a.top(inst)
		a.packages[inst.ImportPath] = v
	}
	return v
}
