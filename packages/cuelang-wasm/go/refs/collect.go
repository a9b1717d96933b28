package refs

import (
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"
)

// inlineKey guards against following a reference to itself.
type inlineKey struct {
	expr ast.Expr
	env  *env
	node *vertex
}

// collector gathers what is unified at one field of a place.
type collector struct {
	a     *Analysis
	sel   sel
	node  *vertex
	conjs []conj
	deps  []conj
	seen  map[inlineKey]bool
}

// conj looks for the field in one expression that is unified at the place.
func (c *collector) conj(x conj) {
	if x.link != nil {
		c.conjs = append(c.conjs, conj{link: c.a.arc(x.link, c.sel)})
		return
	}
	if !c.a.step() {
		return
	}
	e := x.env
	switch x := x.expr.(type) {
	case *ast.StructLit:
		c.decls(x.Elts, e.structScope(c.node, x))
	case *ast.ParenExpr:
		c.conj(conj{expr: x.X, env: e})
	case *ast.PostfixExpr:
		c.conj(conj{expr: x.X, env: e})
	case *ast.Alias:
		c.conj(conj{expr: x.Expr, env: e.bind(x.Ident, &binding{vertex: c.node})})
	case *ast.UnaryExpr:
		if x.Op == token.MUL {
			c.conj(conj{expr: x.X, env: e})
		}
	case *ast.BinaryExpr:
		if x.Op == token.AND || x.Op == token.OR {
			c.conj(conj{expr: x.X, env: e})
			c.conj(conj{expr: x.Y, env: e})
			return
		}
		c.deps = append(c.deps, conj{expr: x, env: e})
	case *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr:
		c.reference(x, e)
	case *ast.ListLit:
		c.list(x, e)
	case *ast.Comprehension:
		c.comprehension(x, e, false)
	case *ast.CallExpr:
		if args := unifiedArgs(x); args != nil {
			for _, arg := range args {
				c.conj(conj{expr: arg, env: e})
			}
			return
		}
		c.deps = append(c.deps, conj{expr: x, env: e})
	case *ast.BasicLit, *ast.BottomLit:
	default:
		c.deps = append(c.deps, conj{expr: x, env: e})
	}
}

// unifiedArgs returns the arguments that a call yields unified or unchanged.
func unifiedArgs(x *ast.CallExpr) []ast.Expr {
	id, ok := x.Fun.(*ast.Ident)
	if !ok {
		return nil
	}
	switch strings.TrimPrefix(id.Name, "__") {
	case "close":
		return x.Args
	case "and", "or":
		if len(x.Args) == 1 {
			if l, ok := x.Args[0].(*ast.ListLit); ok {
				for _, e := range l.Elts {
					switch e.(type) {
					case *ast.Comprehension, *ast.Ellipsis:
						return nil
					}
				}
				return l.Elts
			}
		}
	}
	return nil
}

// reference takes over what is unified where the reference leads: its structs
// are at home here then. The place itself is kept as a link, as it may be, or
// be within, one of the roots.
func (c *collector) reference(x ast.Expr, e *env) {
	key := inlineKey{x, e, c.node}
	if c.seen[key] {
		return
	}
	c.seen[key] = true
	v, deps := c.a.chain(x, e)
	c.deps = append(c.deps, deps...)
	if v == nil || v == c.node {
		return
	}
	for w := v; w != nil; w = w.parent {
		c.deps = append(c.deps, w.deps...)
	}
	if c.a.rooted(v) != nil {
		c.conjs = append(c.conjs, conj{link: c.a.arc(v, c.sel)})
	}
	for _, x := range v.conjs {
		c.conj(x)
	}
}

func (c *collector) list(x *ast.ListLit, e *env) {
	for i, elem := range x.Elts {
		switch elem := elem.(type) {
		case *ast.Comprehension:
			c.comprehension(elem, e, true)
		case *ast.Ellipsis:
			if elem.Type != nil {
				c.conjs = append(c.conjs, conj{expr: elem.Type, env: e})
			}
		default:
			if c.sel.kind != field || !isPlain(x.Elts[:i]) || c.sel == labelSel(strconv.Itoa(i)) {
				c.conjs = append(c.conjs, conj{expr: elem, env: e})
			}
		}
	}
}

// isPlain reports whether elements count one each, so that indexes are known.
func isPlain(elems []ast.Expr) bool {
	for _, e := range elems {
		if _, ok := e.(*ast.Comprehension); ok {
			return false
		}
	}
	return true
}

// comprehension looks into what is yielded; being there at all hangs on the
// clauses. In a list what is yielded is the element itself.
func (c *collector) comprehension(x *ast.Comprehension, e *env, inList bool) {
	before := len(c.conjs)
	inner, deps := c.a.clauses(x, e)
	yields := []conj{{expr: x.Value, env: inner}}
	if x.Fallback != nil {
		yields = append(yields, conj{expr: x.Fallback.Body, env: e})
	}
	for _, y := range yields {
		if inList {
			c.conjs = append(c.conjs, y)
		} else {
			c.conj(y)
		}
	}
	if len(c.conjs) > before {
		c.deps = append(c.deps, deps...)
	}
}

func (c *collector) decls(decls []ast.Decl, e *env) {
	for _, d := range decls {
		switch x := d.(type) {
		case *ast.Field:
			c.field(x, e)
		case *ast.EmbedDecl:
			c.conj(conj{expr: x.Expr, env: e})
		case *ast.Comprehension:
			c.comprehension(x, e, false)
		case *ast.Ellipsis:
			if x.Type != nil && c.sel.kind == anyField {
				c.conjs = append(c.conjs, conj{expr: x.Type, env: e})
			}
		}
	}
}

func (c *collector) field(x *ast.Field, e *env) {
	label, known := labelOf(x.Label)
	switch {
	case known && (c.sel == label || c.sel.kind == anyField && isRegular(label)):
	case !known && c.mayMatch(x.Label):
	default:
		return
	}
	scope := e
	if l, ok := x.Label.(*ast.ListLit); ok && len(l.Elts) == 1 {
		if alias, ok := l.Elts[0].(*ast.Alias); ok {
			scope = scope.bind(alias.Ident, &binding{})
		}
	}
	if x.Alias != nil {
		scope = scope.bind(x.Alias.Label, &binding{})
	}
	value := x.Value
	if alias, ok := value.(*ast.Alias); ok {
		s := c.sel
		scope = scope.bind(alias.Ident, &binding{vertex: c.a.arc(c.node, s)})
		value = alias.Expr
	}
	c.conjs = append(c.conjs, conj{expr: value, env: scope})
	if !known {
		c.deps = append(c.deps, conj{expr: labelExpr(x.Label), env: e})
	}
}

func isRegular(s sel) bool {
	return s.kind == quoted || !strings.HasPrefix(s.name, "#") && !strings.HasPrefix(s.name, "_")
}

// labelExpr returns what a computed label or a pattern reads.
func labelExpr(l ast.Label) ast.Expr {
	switch x := l.(type) {
	case *ast.Alias:
		if inner, ok := x.Expr.(ast.Label); ok {
			return labelExpr(inner)
		}
		return x.Expr
	case *ast.ListLit:
		if len(x.Elts) == 1 {
			if alias, ok := x.Elts[0].(*ast.Alias); ok {
				return alias.Expr
			}
			return x.Elts[0]
		}
	case *ast.ParenExpr:
		return x.X
	}
	if x, ok := l.(ast.Expr); ok {
		return x
	}
	return &ast.BottomLit{}
}

// mayMatch reports whether a computed label can be the one looked for: an
// interpolation has to begin and end as the label does.
func (c *collector) mayMatch(l ast.Label) bool {
	if c.sel.kind == anyField || c.sel.kind == openField {
		return true
	}
	if !isRegular(c.sel) {
		return false
	}
	if a, ok := l.(*ast.Alias); ok {
		if inner, ok := a.Expr.(ast.Label); ok {
			l = inner
		}
	}
	parts, ok := l.(*ast.Interpolation)
	if !ok || len(parts.Elts) < 3 {
		return true
	}
	first, ok1 := parts.Elts[0].(*ast.BasicLit)
	last, ok2 := parts.Elts[len(parts.Elts)-1].(*ast.BasicLit)
	if !ok1 || !ok2 {
		return true
	}
	info, start, _, err := literal.ParseQuotes(first.Value, last.Value)
	if err != nil || info.IsMulti() {
		return true
	}
	prefix, err1 := info.Unquote(first.Value[start:])
	suffix, err2 := info.Unquote(strings.TrimPrefix(last.Value, ")"))
	if err1 != nil || err2 != nil {
		return true
	}
	return strings.HasPrefix(c.sel.name, prefix) && strings.HasSuffix(c.sel.name, suffix)
}
