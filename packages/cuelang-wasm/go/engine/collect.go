package engine

import (
	"fmt"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"
)

// collector gathers all errors of a value. CUE lists only the worst kind where
// there are several, so where there is a conflict each field is looked at by
// itself.
type collector struct {
	reporter
	out  []Error
	seen map[string]bool
}

// value lists everything wrong with a value; with concrete also what is not
// known yet.
func (r reporter) value(v cue.Value, concrete bool) []Error {
	c := collector{reporter: r, out: []Error{}, seen: map[string]bool{}}
	c.collect(v, concrete)
	return r.cut(c.out)
}

func (c *collector) collect(v cue.Value, concrete bool) {
	err := check(v, concrete)
	if err == nil {
		return
	}
	if cue.IsIncomplete(err) {
		c.add(err, KindIncomplete, -1)
		return
	}
	before := len(c.out)
	depth := len(v.Path().Selectors())
	c.add(err, KindConflict, depth)
	if own := v.Err(); own != nil && cue.IsIncomplete(own) {
		c.add(own, KindIncomplete, depth)
	}
	v, _ = v.Default()
	c.children(v, concrete)
	if len(c.out) == before {
		c.add(err, KindConflict, -1)
	}
}

func check(v cue.Value, concrete bool) error {
	if concrete {
		return v.Validate(cue.Concrete(true), cue.Final())
	}
	return v.Validate()
}

func (c *collector) children(v cue.Value, concrete bool) {
	if v.IncompleteKind() == cue.ListKind {
		for list, _ := v.List(); list.Next(); {
			c.collect(list.Value(), concrete)
		}
		return
	}
	it, err := v.Fields(cue.Hidden(true), cue.Definitions(true))
	if err != nil {
		return
	}
	for it.Next() {
		// What definitions and hidden fields leave open is theirs to leave.
		isRegular := it.Selector().LabelType() == cue.StringLabel
		c.collect(it.Value(), concrete && isRegular)
	}
}

// add notes errors that were not seen before; with a depth those only that are
// about a value at this depth or above.
func (c *collector) add(err error, kind string, depth int) {
	for _, e := range errors.Errors(err) {
		if depth >= 0 && len(e.Path()) > depth {
			continue
		}
		if id := identity(e) + fmt.Sprint(errors.Positions(e)); !c.seen[id] {
			c.seen[id] = true
			c.out = append(c.out, c.one(e, kind))
		}
	}
}

// notAllowed lists the fields of data that a schema is closed to. CUE itself
// finds them only where nothing else is wrong.
func (r reporter) notAllowed(whole, schema, data cue.Value) []Error {
	if !isConflict(whole.Validate()) {
		return nil
	}
	var out []Error
	var walk func(schema, data cue.Value)
	walk = func(schema, data cue.Value) {
		it, err := data.Fields()
		if err != nil {
			return
		}
		for it.Next() {
			sel, value := it.Selector(), it.Value()
			if !schema.Allows(sel) {
				labels := append(labelsOfValue(schema), sel.String())
				out = append(out, Error{Kind: KindConflict, Path: r.path(labels), Message: messageNotAllowed,
					Positions: positionList(value.Pos(), schema.Pos())})
				continue
			}
			field := schema.LookupPath(cue.MakePath(sel.Optional()))
			if value.IncompleteKind() == cue.StructKind && field.Exists() {
				walk(field, value)
			}
		}
	}
	walk(schema, data)
	return out
}

const messageNotAllowed = "field not allowed"

// isConflict reports whether an error is about something else than fields that
// are not allowed: those are listed by CUE where they are all that is wrong.
func isConflict(err error) bool {
	for _, e := range errors.Errors(err) {
		if messageOf(e) != messageNotAllowed {
			return true
		}
	}
	return false
}

func labelsOfValue(v cue.Value) []string {
	var labels []string
	for _, sel := range v.Path().Selectors() {
		labels = append(labels, sel.String())
	}
	return labels
}
