package refs

import (
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
)

type selKind int

const (
	// field is a label, definitions and hidden ones by their prefix.
	field selKind = iota
	// quoted is a label that only looks like a definition or hidden one.
	quoted
	// anyField stands for all fields: which one is not known.
	anyField
	// openField stands for the fields whose label is computed or a pattern.
	openField
)

type sel struct {
	name string
	kind selKind
}

func labelSel(name string) sel { return sel{name: name} }

// Regular writes the label of a regular field for Of, where it might be taken
// for a definition's or a hidden field's.
func Regular(name string) string { return `"` + name }

func parseSel(label string) sel {
	name, isRegular := strings.CutPrefix(label, `"`)
	if isRegular && (strings.HasPrefix(name, "#") || strings.HasPrefix(name, "_")) {
		return sel{name: name, kind: quoted}
	}
	return labelSel(name)
}

func (s sel) segment() string {
	if s.kind == anyField || s.kind == openField {
		return Any
	}
	return s.name
}

// conj is an expression in its scope.
type conj struct {
	expr ast.Expr
	env  *env
	// link, instead of expr, is a place that is read as it is.
	link *vertex
	// keysOnly reads which fields there are, not what is in them.
	keysOnly bool
}

// vertex is a place: a field, or the value of an expression of its own.
type vertex struct {
	parent *vertex
	sel    sel
	conjs  []conj
	// deps are read where this is: conditions and keys on the way to it.
	deps []conj
	arcs map[sel]*vertex
	// open while conjs are being collected; touched if they were read then;
	// provisional if they hang on such a place.
	open, touched, provisional bool
	// structs are those whose fields were listed here.
	structs map[*ast.StructLit]bool
}

// expression returns the place of an expression that is not unified with
// anything, the same one each time.
func (a *Analysis) expression(x ast.Expr, e *env) *vertex {
	key := inlineKey{expr: x, env: e}
	v := a.expressions[key]
	if v == nil {
		v = &vertex{conjs: []conj{{expr: x, env: e}}, arcs: map[sel]*vertex{}}
		a.expressions[key] = v
	}
	return v
}

// path returns the segments from the top, and the top.
func (v *vertex) path() ([]string, *vertex) {
	var p []string
	for ; v.parent != nil; v = v.parent {
		p = append(p, v.sel.segment())
	}
	for i, j := 0, len(p)-1; i < j; i, j = i+1, j-1 {
		p[i], p[j] = p[j], p[i]
	}
	return p, v
}

// arc returns the place of a field, with all that is unified there. What is
// unified may refer to the field itself: then it is collected until no more
// comes, and what was seen of it before is forgotten.
func (a *Analysis) arc(v *vertex, s sel) *vertex {
	if w := v.arcs[s]; w != nil {
		if w.open {
			w.touched = true
			for i := len(a.stack) - 1; i >= 0 && a.stack[i] != w; i-- {
				a.stack[i].provisional = true
			}
		}
		return w
	}
	w := &vertex{parent: v, sel: s, open: true}
	v.arcs[s] = w
	a.stack = append(a.stack, w)
	for a.step() {
		before := len(w.conjs)
		w.arcs = map[sel]*vertex{}
		c := collector{a: a, sel: s, node: v, seen: map[inlineKey]bool{}}
		for _, x := range v.conjs {
			c.conj(x)
		}
		w.conjs, w.deps = c.conjs, c.deps
		if len(w.conjs) == before || !w.touched {
			break
		}
	}
	if w.arcs == nil {
		w.arcs = map[sel]*vertex{}
	}
	a.stack = a.stack[:len(a.stack)-1]
	w.open = false
	if w.provisional {
		delete(v.arcs, s)
	}
	return w
}

// env is a scope: a struct at its place, the clauses of a comprehension, or
// the file around everything.
type env struct {
	up    *env
	node  *vertex
	decls []ast.Decl
	binds map[string]*binding
	file  *ast.File
	inst  *build.Instance
	inner map[scopeKey]*env
}

// scopeKey names a scope within another, so that it is made once.
type scopeKey struct {
	syntax ast.Node
	node   *vertex
}

// binding is what a let, an alias or a loop variable stands for. Without an
// expression it is a key: a plain string.
type binding struct {
	expr    ast.Expr
	env     *env
	element bool
	vertex  *vertex
}

func (a *Analysis) bound(b *binding) *vertex {
	if b.expr == nil {
		return b.vertex
	}
	v, _ := a.chain(b.expr, b.env)
	if v == nil {
		v = a.expression(b.expr, b.env)
	}
	if b.element {
		v = a.arc(v, sel{kind: anyField})
	}
	return v
}

func (e *env) scope(key scopeKey, fill func(*env)) *env {
	if inner := e.inner[key]; inner != nil {
		return inner
	}
	inner := &env{up: e, file: e.file, inst: e.inst}
	fill(inner)
	if e.inner == nil {
		e.inner = map[scopeKey]*env{}
	}
	e.inner[key] = inner
	return inner
}

// structScope is the scope of a struct that is unified at a place.
func (e *env) structScope(node *vertex, x *ast.StructLit) *env {
	return e.scope(scopeKey{x, node}, func(inner *env) {
		inner.node, inner.decls = node, x.Elts
	})
}

// bind is a scope with one more name in it.
func (e *env) bind(name *ast.Ident, b *binding) *env {
	if name == nil {
		return e
	}
	return e.scope(scopeKey{name, b.vertex}, func(inner *env) {
		inner.binds = map[string]*binding{name.Name: b}
	})
}

// labelOf reads a label that is known from syntax. The second result is false
// for computed ones and patterns.
func labelOf(l ast.Label) (sel, bool) {
	if a, ok := l.(*ast.Alias); ok {
		if inner, ok := a.Expr.(ast.Label); ok {
			return labelOf(inner)
		}
		return sel{}, false
	}
	switch l.(type) {
	case *ast.Ident, *ast.BasicLit:
	default:
		return sel{}, false
	}
	name, isIdent, err := ast.LabelName(l)
	if err != nil {
		return sel{}, false
	}
	if !isIdent && (strings.HasPrefix(name, "#") || strings.HasPrefix(name, "_")) {
		return sel{name: name, kind: quoted}, true
	}
	return labelSel(name), true
}
