package refs

import (
	"strings"
	"testing"

	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/parser"
)

const imported = `package lib
#App: {
	config: _
	name:   string
	out: {image: config.image, label: name}
	nodes: [string]: #Node
}
#Node: {object: {metadata: name: string, ...}, title: object.metadata.name, ...}
#Rec: {v: _, w: v, next?: #Rec}
`

// cases are: a path, what is read for it below input, context and observed, and the package.
var cases = []struct{ name, path, want, source string }{
	{"plain", "x", "input.name", `x: input.name`},
	{"nothing", "x", "", `x: 1`},
	{"whole root", "x", "input", `x: input`},
	{"whole root selected later", "x.name", "input.name", `x: input`},
	{"through a field", "x", "input.a.b", `y: input.a
x: y.b`},
	{"through a hidden field", "x", "input.a", `_y: input.a
x: _y`},
	{"through a definition", "x", "input.a", `#y: {v: input.a}
x: #y`},
	{"only the field read", "x", "input.a", `y: {a: input.a, b: input.b}
x: y.a`},
	{"interpolation", "x", "context.name input.a", `x: "\(context.name)-\(input.a)"`},
	{"interpolated label", "x", "input.a input.b", `x: "\(input.a)": input.b`},
	{"computed label", "x", "input.a", `x: (input.a): 1`},
	{"pattern", "x.foo", "input.a", `x: [string]: input.a
x: foo: _`},
	{"guard", "x", "input.a input.b", `x: {if input.a {b: input.b}}`},
	{"guard on the way", "x.b", "input.a input.b", `x: {if input.a {b: input.b}, c: input.c}`},
	{"guard around the read field", "x", "input.a input.b", `y: {if input.a {b: input.b}, c: input.c}
x: y.b`},
	{"guard at the top", "x", "input.a", `if input.a {x: 1}
y: input.b`},
	{"existence", "x", "observed.db.host", `x: {if observed.db.host != _|_ {a: 1}}`},
	{"for over a root", "x", "input.list", `x: [for v in input.list {v.name}]`},
	{"for over a whole root", "x", "observed", `x: {for k, v in observed {"\(k)": v.host}}`},
	{"for over fields", "x", "input.a input.b", `l: {p: {v: input.a, w: input.c}, q: {v: input.b, w: input.d}}
x: [for k, v in l {v.v}]`},
	{"for key only", "x", "", `l: {p: input.a, q: input.b}
x: [for k, _ in l {k}]`},
	{"let in a struct", "x", "input.a", `x: {let y = input.a, z: y}`},
	{"let at the top", "x", "input.a", `let y = {a: input.a, b: input.b}
x: y.a`},
	{"let in a comprehension", "x", "input.a input.l", `x: [for v in input.l let w = input.a {w}]`},
	{"unused let", "x", "", `x: {let y = input.a, z: 1}`},
	{"dynamic index", "x", "input.k observed.*.host", `x: observed[input.k].host`},
	{"string index", "x", "observed.a-b.host", `x: observed["a-b"].host`},
	{"list index", "x", "input.l.0.name", `x: input.l[0].name`},
	{"call", "x", "input.l", `x: len(input.l)`},
	{"operators", "x", "input.a input.b", `x: input.a + input.b`},
	{"bounds", "x", "input.a", `x: >=input.a`},
	{"default", "x", "input.a input.b", `x: *input.a | input.b`},
	{"unified", "x", "input.a input.b", `x: input.a & input.b`},
	{"slices", "x", "input.a input.l", `x: input.l[0:input.a]`},
	{"field of a literal", "x", "input.a", `x: {a: input.a, b: input.b}.a`},
	{"embedding", "x", "input.a", `#b: {v: input.a}
x: {#b, c: 1}`},
	{"embedding at the top", "x", "input.a", `#b: {x: v: input.a}
#b`},
	{"sibling filled from elsewhere", "x.b", "input.a", `#t: {a: _, b: a}
x: #t & {a: input.a}`},
	{"shadowed", "x", "", `x: {input: 1, y: input}`},
	{"not shadowed by a quoted label", "x", "input.a", `x: {"input": 1, y: input.a}`},
	{"computed in the root", "x", "input.first input.full", `input: {first: string, full: "\(first)-x"}
x: input.full`},
	{"schema of the root", "x", "input.first input.full", `#Input: {first: string, full: string | *"\(first)-x"}
x: input.full`},
	{"field alias", "x", "input.a", `y=z: input.a
x: y`},
	{"alias of a quoted label", "x", "input.a", `Y="z-z": {a: input.a, b: input.b}
x: Y.a`},
	{"value alias", "x", "input.a", `x: Y={a: input.a, b: Y.a}`},
	{"label alias", "x.foo", "", `x: [N=string]: name: N
x: foo: _`},
	{"postponed by close", "x", "input.a", `x: close({v: input.a})`},
	{"and", "x.v", "input.a", `x: and([{v: input.a}, {w: input.b}])`},
	{"cycle of references", "x", "input.a", `x: y
y: x & {v: input.a}`},
	{"imported definition", "a.out", "context.n input.image", `a: lib.#App & {config: input, name: context.n, nodes: p: object: metadata: name: observed.q}`},
	{"imported definition reads a sibling", "a.nodes.p.title", "observed.q", `a: lib.#App & {config: input, name: context.n, nodes: p: object: metadata: name: observed.q}`},
	{"recursive definition", "r", "input.a input.b", `r: lib.#Rec & {v: input.a, next: v: input.b}`},
	{"recursive definition, one step", "r.next.w", "input.b", `r: lib.#Rec & {v: input.a, next: v: input.b}`},
	{"loop made child by prefix", "nodes.db-1", "input.dbs", `nodes: {for d in input.dbs {"db-\(d.n)": d.size, "app-\(d.n)": observed.x}}`},
	{"loop made child, other prefix", "nodes.app-1", "input.dbs observed.x", `nodes: {for d in input.dbs {"db-\(d.n)": d.size, "app-\(d.n)": observed.x}}`},
	{"list of guarded elements", "x", "input.a input.b", `x: [if input.a {v: input.b}]`},
	{"standard library", "x", "input.a", `x: strings.ToUpper(input.a)`},
	{"definition of its own", "x", "input.a", `#x: input.a
x: {#x: 2, y: #x} & {z: input.a}`},
	{"ellipsis", "x", "input.a", `x: [...input.a]`},
	{"else", "x", "context.c input.a", `x: [for v in [1] if input.a {context.c}]`},
}

func TestOf(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := New(instance(t, c.source), []string{"input", "context", "observed"}, []Joined{{Path: []string{"input"}, With: []string{"#Input"}}})
			for range 2 {
				var got []string
				for _, p := range a.Of(strings.Split(c.path, ".")) {
					got = append(got, strings.Join(p, "."))
				}
				if g := strings.Join(got, " "); g != c.want {
					t.Errorf("got %q, want %q", g, c.want)
				}
			}
		})
	}
}

// A package that grows without end when it is followed is answered with all roots.
func TestGivesUp(t *testing.T) {
	a := New(instance(t, `x: {for a in x {b: a & x & {c: x.b}}} & x.b.c`), []string{"input"}, nil)
	if got := a.Of([]string{"x"}); len(got) > 1 {
		t.Errorf("got %v", got)
	}
}

func instance(t *testing.T, source string) *build.Instance {
	t.Helper()
	ctx := build.NewContext()
	lib := ctx.NewInstance("lib", nil)
	add(t, lib, imported)
	lib.ImportPath = "a.b/lib"
	inst := ctx.NewInstance("main", nil)
	head := "package main\n"
	if strings.Contains(source, "lib.") {
		head += "import \"a.b/lib\"\n"
	}
	if strings.Contains(source, "strings.") {
		head += "import \"strings\"\n"
	}
	roots := "package main\ninput: _\ncontext: {...}\nobserved: {...}\n"
	add(t, inst, roots)
	add(t, inst, head+source)
	inst.Imports = append(inst.Imports, lib)
	return inst
}

func add(t *testing.T, inst *build.Instance, source string) {
	t.Helper()
	f, err := parser.ParseFile("main.cue", source)
	if err != nil {
		t.Fatal(err)
	}
	if err := inst.AddSyntax(f); err != nil {
		t.Fatal(err)
	}
}
