package engine

import (
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/literal"

	"cuelang-wasm/refs"
)

// maxKnown bounds the answers kept of one analysis: labels may come of input.
const maxKnown = 5000

// analysis is an analysis with its answers so far: they hold for any values.
type analysis struct {
	graph *refs.Analysis
	known map[string][]Reference
}

func (a *analysis) of(labels []string) []Reference {
	key := strings.Join(labels, "\x00")
	found, ok := a.known[key]
	if !ok {
		if len(a.known) >= maxKnown {
			clear(a.known)
		}
		found = asReferences(a.graph.Of(labels))
		a.known[key] = found
	}
	return found
}

// references answers what a value and, if asked for, each child of it reads.
func (e *evaluation) references(v cue.Value, path cue.Path, q *Query, r *Result) {
	analysis := e.analysis(q.Roots)
	labels := labelsOf(path)
	r.References = analysis.of(labels)
	children := []ChildReferences{}
	if q.Children && r.Exists {
		isList := v.IncompleteKind() == cue.ListKind
		_ = eachChild(v, func(label string, _ cue.Value) *Error {
			at := refs.Regular(label)
			if isList {
				at = label
			}
			found := analysis.of(append(slices.Clone(labels), at))
			children = append(children, ChildReferences{Label: label, References: found})
			return nil
		})
	}
	r.Children = children
}

// analysis returns the package's analysis for some roots. It is the same for
// all values, so it is kept.
func (e *evaluation) analysis(roots []string) *analysis {
	var joins []refs.Joined
	key := strings.Join(roots, "\x00")
	for _, f := range e.req.Fills {
		if f.UnifyWith == "" {
			continue
		}
		at, with := e.pkg.path(f.Path), e.pkg.path(f.UnifyWith)
		if e.pkg.base.LookupPath(with).Exists() {
			joins = append(joins, refs.Joined{Path: labelsOf(at), With: labelsOf(with)})
			key += "\x01" + f.Path + "\x00" + f.UnifyWith
		}
	}
	a := e.pkg.analyses[key]
	if a == nil {
		a = &analysis{graph: refs.New(e.pkg.inst, roots, joins), known: map[string][]Reference{}}
		e.pkg.analyses[key] = a
	}
	return a
}

// lacking lists what the value that an error is about refers to, among what is
// filled, and is not known.
func (e *evaluation) lacking(err errors.Error) []string {
	var roots []string
	for _, f := range e.req.Fills {
		first, _, _ := strings.Cut(f.Path, ".")
		if first != "" && !slices.Contains(roots, first) {
			roots = append(roots, first)
		}
	}
	if len(roots) == 0 {
		return nil
	}
	var labels []string
	for _, l := range err.Path() {
		if s, unquoted := literal.Unquote(l); unquoted == nil {
			l = refs.Regular(s)
		}
		labels = append(labels, l)
	}
	var out []string
	for _, ref := range e.analysis(roots).of(labels) {
		if slices.Contains(ref.Segments, refs.Any) || !e.isKnown(ref.Path) {
			out = append(out, ref.Path)
		}
	}
	return out
}

func (e *evaluation) isKnown(path string) bool {
	v := e.value.LookupPath(e.pkg.path(path))
	return v.Exists() && v.Validate(cue.Concrete(true)) == nil
}

func labelsOf(p cue.Path) []string {
	var labels []string
	for _, s := range p.Selectors() {
		switch s.LabelType() {
		case cue.StringLabel:
			labels = append(labels, refs.Regular(s.Unquoted()))
		default:
			labels = append(labels, strings.Trim(s.String(), "[]"))
		}
	}
	return labels
}

func asReferences(paths [][]string) []Reference {
	out := []Reference{}
	for _, p := range paths {
		var text strings.Builder
		for i, s := range p {
			if i > 0 {
				text.WriteByte('.')
			}
			if s == refs.Any {
				text.WriteString(s)
			} else {
				text.WriteString(labelOf(s))
			}
		}
		out = append(out, Reference{Segments: p, Path: text.String()})
	}
	return out
}
