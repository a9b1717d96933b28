package refs

import (
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// labels lists the fields of a place that syntax shows.
type labels struct {
	a     *Analysis
	node  *vertex
	found map[sel]bool
	order []sel
	seen  map[inlineKey]bool
}

func (l *labels) add(s sel) {
	if !l.found[s] {
		l.found[s] = true
		l.order = append(l.order, s)
	}
}

func (l *labels) conj(c conj) {
	if c.link != nil || !l.a.step() {
		return
	}
	e := c.env
	switch x := c.expr.(type) {
	case *ast.StructLit:
		if l.isNested(x) {
			return
		}
		l.decls(x.Elts, e.structScope(l.node, x))
	case *ast.ParenExpr:
		l.conj(conj{expr: x.X, env: e})
	case *ast.PostfixExpr:
		l.conj(conj{expr: x.X, env: e})
	case *ast.Alias:
		l.conj(conj{expr: x.Expr, env: e.bind(x.Ident, &binding{vertex: l.node})})
	case *ast.UnaryExpr:
		if x.Op == token.MUL {
			l.conj(conj{expr: x.X, env: e})
		}
	case *ast.BinaryExpr:
		if x.Op == token.AND || x.Op == token.OR {
			l.conj(conj{expr: x.X, env: e})
			l.conj(conj{expr: x.Y, env: e})
		}
	case *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr:
		key := inlineKey{x, e, l.node}
		if l.seen[key] {
			return
		}
		l.seen[key] = true
		if v, _ := l.a.chain(x, e); v != nil && v != l.node {
			for _, c := range v.conjs {
				l.conj(c)
			}
		}
	case *ast.Comprehension:
		l.comprehension(x, e)
	case *ast.CallExpr:
		for _, arg := range unifiedArgs(x) {
			l.conj(conj{expr: arg, env: e})
		}
	}
}

func (l *labels) decls(decls []ast.Decl, e *env) {
	for _, d := range decls {
		switch x := d.(type) {
		case *ast.Field:
			if s, known := labelOf(x.Label); known {
				l.add(s)
			} else {
				l.add(sel{kind: openField})
			}
		case *ast.EmbedDecl:
			l.conj(conj{expr: x.Expr, env: e})
		case *ast.Comprehension:
			l.comprehension(x, e)
		}
	}
}

func (l *labels) comprehension(x *ast.Comprehension, e *env) {
	inner, _ := l.a.clauses(x, e)
	l.conj(conj{expr: x.Value, env: inner})
	if x.Fallback != nil {
		l.conj(conj{expr: x.Fallback.Body, env: e})
	}
}

// isNested reports whether a struct is unified at places within each other
// too often: a recursive definition has no end otherwise.
func (l *labels) isNested(x *ast.StructLit) bool {
	n := 0
	for v := l.node.parent; v != nil; v = v.parent {
		if v.structs[x] {
			n++
		}
	}
	if l.node.structs == nil {
		l.node.structs = map[*ast.StructLit]bool{}
	}
	l.node.structs[x] = true
	return n > maxNesting
}
