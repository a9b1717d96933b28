package refs

import (
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// maxNesting is how often one expression may be unified within itself before
// what is deeper counts as the same again.
const maxNesting = 3

// reader walks all that is read for a value, and notes what is below the roots.
type reader struct {
	a       *Analysis
	seen    map[*vertex]bool
	inlined map[inlineKey]bool
	found   map[string][]string
}

// visit reads a place and everything below it.
func (r *reader) visit(v *vertex) {
	if v == nil || r.seen[v] || !r.a.step() {
		return
	}
	r.seen[v] = true
	r.note(v)
	r.way(v)
	for _, c := range v.conjs {
		r.conj(c, v)
	}
	l := labels{a: r.a, node: v, found: map[sel]bool{}, seen: map[inlineKey]bool{}}
	for _, c := range v.conjs {
		l.conj(c)
	}
	for _, s := range l.order {
		r.visit(r.a.arc(v, s))
	}
}

// note records a place that is a root or below one.
func (r *reader) note(v *vertex) {
	if path := r.a.rooted(v); path != nil {
		r.found[strings.Join(path, "\x00")] = path
	}
}

// way reads what a place hangs on: the conditions and keys on the way to it.
func (r *reader) way(v *vertex) {
	for ; v != nil; v = v.parent {
		r.all(v.deps)
	}
}

func (r *reader) all(deps []conj) {
	for _, d := range deps {
		if d.link != nil {
			r.visit(d.link)
			continue
		}
		key := inlineKey{expr: d.expr, env: d.env}
		if r.inlined[key] {
			continue
		}
		r.inlined[key] = true
		if d.keysOnly {
			r.keys(d)
		} else {
			r.value(d.expr, d.env)
		}
	}
}

// value reads the value of an expression that is not unified with anything.
func (r *reader) value(x ast.Expr, e *env) {
	if x == nil || !r.a.step() {
		return
	}
	if isChain(x) {
		v, deps := r.a.chain(x, e)
		r.all(deps)
		r.visit(v)
		return
	}
	r.visit(r.a.expression(x, e))
}

// keys reads which fields or elements there are.
func (r *reader) keys(c conj) {
	v, deps := r.a.chain(c.expr, c.env)
	r.all(deps)
	if v == nil {
		return
	}
	r.note(v)
	r.way(v)
	for _, c := range v.conjs {
		r.conj(c, v)
	}
}

// conj reads what one expression unified at a place reads by itself; its
// fields are places of their own.
func (r *reader) conj(c conj, at *vertex) {
	if c.link != nil {
		r.note(c.link)
		r.way(c.link)
		return
	}
	if !r.a.step() {
		return
	}
	e := c.env
	switch x := c.expr.(type) {
	case *ast.StructLit:
		r.decls(x.Elts, e.structScope(at, x), at)
	case *ast.ParenExpr:
		r.conj(conj{expr: x.X, env: e}, at)
	case *ast.PostfixExpr:
		r.conj(conj{expr: x.X, env: e}, at)
	case *ast.Alias:
		r.conj(conj{expr: x.Expr, env: e.bind(x.Ident, &binding{vertex: at})}, at)
	case *ast.UnaryExpr:
		if x.Op == token.MUL {
			r.conj(conj{expr: x.X, env: e}, at)
		} else {
			r.value(x.X, e)
		}
	case *ast.BinaryExpr:
		if x.Op == token.AND || x.Op == token.OR {
			r.conj(conj{expr: x.X, env: e}, at)
			r.conj(conj{expr: x.Y, env: e}, at)
		} else {
			r.value(x.X, e)
			r.value(x.Y, e)
		}
	case *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr:
		r.reference(x, e, at)
	case *ast.ListLit:
		for _, elem := range x.Elts {
			r.element(elem, e)
		}
	case *ast.Comprehension:
		r.comprehension(x, e, at)
	case *ast.CallExpr:
		r.call(x, e, at)
	case *ast.Interpolation:
		for _, part := range x.Elts {
			r.value(part, e)
		}
	case *ast.SliceExpr:
		for _, part := range []ast.Expr{x.X, x.Low, x.High} {
			r.value(part, e)
		}
	case *ast.BasicLit, *ast.BottomLit:
	default:
		r.a.unsure = true
	}
}

func (r *reader) call(x *ast.CallExpr, e *env, at *vertex) {
	if args := unifiedArgs(x); args != nil {
		for _, arg := range args {
			r.conj(conj{expr: arg, env: e}, at)
		}
		return
	}
	r.value(x.Fun, e)
	for _, arg := range x.Args {
		r.value(arg, e)
	}
}

func (r *reader) element(x ast.Expr, e *env) {
	switch x := x.(type) {
	case *ast.Comprehension:
		inner, deps := r.a.clauses(x, e)
		r.all(deps)
		r.value(x.Value, inner)
		if x.Fallback != nil {
			r.value(x.Fallback.Body, e)
		}
	case *ast.Ellipsis:
		r.value(x.Type, e)
	default:
		r.value(x, e)
	}
}

// reference reads what the reference leads to, as if it were written here.
func (r *reader) reference(x ast.Expr, e *env, at *vertex) {
	key := inlineKey{x, e, at}
	if r.inlined[key] {
		return
	}
	r.inlined[key] = true
	v, deps := r.a.chain(x, e)
	r.all(deps)
	if v == nil {
		return
	}
	r.note(v)
	r.way(v)
	for _, c := range v.conjs {
		r.conj(c, at)
	}
}

func (r *reader) comprehension(x *ast.Comprehension, e *env, at *vertex) {
	inner, deps := r.a.clauses(x, e)
	r.all(deps)
	r.conj(conj{expr: x.Value, env: inner}, at)
	if x.Fallback != nil {
		r.conj(conj{expr: x.Fallback.Body, env: e}, at)
	}
}

func (r *reader) decls(decls []ast.Decl, e *env, at *vertex) {
	for _, d := range decls {
		switch x := d.(type) {
		case *ast.Field:
			if _, known := labelOf(x.Label); !known {
				r.value(labelExpr(x.Label), e)
			}
		case *ast.EmbedDecl:
			r.conj(conj{expr: x.Expr, env: e}, at)
		case *ast.Comprehension:
			r.comprehension(x, e, at)
		case *ast.Ellipsis:
			r.value(x.Type, e)
		}
	}
}

// clauses returns the scope behind the clauses of a comprehension, and what
// they read. A loop reads which elements there are; the elements themselves
// are read where the variable is used.
func (a *Analysis) clauses(x *ast.Comprehension, e *env) (*env, []conj) {
	var deps []conj
	for _, clause := range x.Clauses {
		switch c := clause.(type) {
		case *ast.ForClause:
			deps = append(deps, conj{expr: c.Source, env: e, keysOnly: true})
			element := &binding{expr: c.Source, env: e, element: true}
			e = e.bind(c.Key, &binding{}).bind(c.Value, element)
		case *ast.IfClause:
			deps = append(deps, conj{expr: c.Condition, env: e})
		case *ast.LetClause:
			e = e.bind(c.Ident, &binding{expr: c.Expr, env: e})
		case *ast.TryClause:
			if c.Expr != nil {
				deps = append(deps, conj{expr: c.Expr, env: e})
				e = e.bind(c.Ident, &binding{expr: c.Expr, env: e})
			}
		default:
			a.unsure = true
		}
	}
	return e, deps
}
