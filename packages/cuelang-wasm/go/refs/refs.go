// Package refs tells which values a CUE value may read, from syntax alone.
//
// It follows what the evaluator would do without computing anything: a vertex
// stands for each place in a package, with the expressions that are unified
// there; a reference leads to another vertex, and where a reference is unified
// with something its expressions count at that place too, as CUE has it. What
// can't be known without values (which branch, which key) is taken for all of
// its possibilities, so that the answer holds for any values and can be kept
// with the package.
//
// The answer is a superset of what is read. Where syntax is not understood, or
// the analysis grows too large, it is all of the roots.
package refs

import (
	"cmp"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
)

// Any is the segment of a path for a key that isn't known.
const Any = "*"

// maxSteps bounds one analysis. A package of some thousand lines takes a few
// ten thousand.
const maxSteps = 300_000

// Analysis is the lazily built graph of a package.
type Analysis struct {
	main  *vertex
	roots []string
	// packages holds the top of each package by import path.
	packages    map[string]*vertex
	expressions map[inlineKey]*vertex
	stack       []*vertex
	unsure      bool
	steps       int
}

// Joined is an extra reference unified with a field at the top of the package.
type Joined struct {
	Path, With []string
}

// New prepares the analysis of what is read below some fields at the top of a
// package.
func New(inst *build.Instance, roots []string, joins []Joined) *Analysis {
	a := &Analysis{roots: roots, packages: map[string]*vertex{}, expressions: map[inlineKey]*vertex{}}
	a.main = a.top(inst)
	for _, j := range joins {
		if len(j.Path) == 0 || len(j.With) == 0 {
			continue
		}
		var ref ast.Expr = ast.NewIdent(plain(j.With[0]))
		for _, name := range j.With[1:] {
			ref = &ast.SelectorExpr{X: ref, Sel: ast.NewIdent(plain(name))}
		}
		for i := len(j.Path) - 1; i >= 0; i-- {
			ref = ast.NewStruct(ast.NewIdent(plain(j.Path[i])), ref)
		}
		a.main.conjs = append(a.main.conjs, conj{expr: ref, env: &env{inst: inst, node: a.main}})
	}
	return a
}

// top returns the vertex of a package: the files are its expressions.
func (a *Analysis) top(inst *build.Instance) *vertex {
	v := &vertex{arcs: map[sel]*vertex{}}
	for _, f := range inst.Files {
		v.conjs = append(v.conjs, conj{expr: &ast.StructLit{Elts: f.Decls}, env: &env{inst: inst, file: f, node: v}})
	}
	return v
}

// Of lists the paths below the roots that are read for the value at a path,
// shortest first where one is within another.
func (a *Analysis) Of(path []string) [][]string {
	run := &reader{a: a, seen: map[*vertex]bool{}, inlined: map[inlineKey]bool{}, found: map[string][]string{}}
	a.steps = 0
	v := a.main
	for _, label := range path {
		v = a.arc(v, parseSel(label))
	}
	run.visit(v)
	if a.unsure {
		return whole(a.roots)
	}
	return minimal(run.found)
}

// whole is the answer where nothing more precise is sure.
func whole(roots []string) [][]string {
	var all [][]string
	for _, r := range roots {
		all = append(all, []string{r})
	}
	return all
}

// minimal drops paths that are within others, and sorts.
func minimal(found map[string][]string) [][]string {
	all := make([][]string, 0, len(found))
	for _, p := range found {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b []string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), slices.Compare(a, b))
	})
	var kept [][]string
	for _, p := range all {
		if !slices.ContainsFunc(kept, func(k []string) bool { return covers(k, p) }) {
			kept = append(kept, p)
		}
	}
	slices.SortFunc(kept, slices.Compare[[]string])
	return kept
}

func covers(prefix, path []string) bool {
	for i, s := range prefix {
		if s != path[i] && s != Any {
			return false
		}
	}
	return true
}

// step counts work, and gives up where there is too much of it.
func (a *Analysis) step() bool {
	a.steps++
	if a.steps > maxSteps {
		a.unsure = true
	}
	return !a.unsure
}

// rooted returns the path of a place that is a root or below one.
func (a *Analysis) rooted(v *vertex) []string {
	path, top := v.path()
	if top == a.main && len(path) > 0 && slices.Contains(a.roots, path[0]) {
		return path
	}
	return nil
}

// plain is a label as an identifier.
func plain(label string) string { return strings.TrimPrefix(label, `"`) }
