package engine

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"
)

// Bounds on one error, so that a list of them stays small.
const (
	maxMessageBytes = 2000
	maxPathBytes    = 2000
	maxPositions    = 20
)

// reporter turns CUE's errors into Errors.
type reporter struct {
	limit int
	// kind is what errors are that don't come of evaluation.
	kind string
	// rename names the file of positions that have none.
	rename string
	// prefix of error paths, and what is put in its place.
	prefix, reportAs string
	// filled tells that values left open are input that is missing.
	filled bool
	refs   func(errors.Error) []string
}

// value lists everything wrong with a value; with concrete also what is not
// known yet.
func (r reporter) value(v cue.Value, concrete bool) []Error {
	var err error
	if concrete {
		err = v.Validate(cue.Concrete(true), cue.Final())
	} else {
		err = v.Validate()
	}
	if err == nil {
		return []Error{}
	}
	if !concrete {
		return r.list(err)
	}
	if cue.IsIncomplete(err) {
		r.kind = KindIncomplete
		return r.list(err)
	}
	// CUE gives all errors the severity of the worst. What is left without
	// asking for concrete values is a conflict, the rest is incomplete.
	hard := map[string]bool{}
	for _, e := range errors.Errors(v.Validate()) {
		hard[identity(e)] = true
	}
	all := r
	all.limit = 0
	all.kind = KindConflict
	var list []Error
	seen := map[string]bool{}
	for _, e := range errors.Errors(err) {
		id := identity(e)
		if seen[id] {
			continue
		}
		seen[id] = true
		kind := KindIncomplete
		if len(hard) == 0 || hard[id] {
			kind = KindConflict
		}
		list = append(list, all.one(e, kind))
	}
	return r.cut(list)
}

func identity(e errors.Error) string {
	format, args := e.Msg()
	return strings.Join(e.Path(), ".") + "\x00" + fmt.Sprintf(format, args...)
}

func (r reporter) list(err error) []Error {
	list := []Error{}
	seen := map[string]bool{}
	for _, e := range errors.Errors(err) {
		if id := identity(e) + fmt.Sprint(errors.Positions(e)); !seen[id] {
			seen[id] = true
			list = append(list, r.one(e, r.kind))
		}
	}
	return r.cut(list)
}

func (r reporter) cut(list []Error) []Error {
	if r.limit > 0 && len(list) > r.limit {
		more := len(list) - r.limit
		list = append(list[:r.limit], Error{Kind: KindLimit, Limit: "output", Path: r.reportAs, Positions: []Position{},
			Message: fmt.Sprintf("%d more errors are not listed", more)})
	}
	return list
}

func (r reporter) one(e errors.Error, kind string) Error {
	format, _ := e.Msg()
	message := oneLine(messageOf(e))
	var imp *importError
	switch {
	case kind == "":
		kind = KindConflict
		if cue.IsIncomplete(e) {
			kind = KindIncomplete
		}
	case kind == KindImport && !errors.As(e, &imp) && isSyntax(e):
		kind = KindSyntax
	}
	if format == "field is required but not present" || r.filled && kind == KindIncomplete &&
		strings.HasPrefix(format, "incomplete value") {
		kind = KindMissing
	}
	out := Error{Kind: kind, Path: cutText(r.path(e.Path()), maxPathBytes), Message: message, Positions: r.positions(e)}
	if kind == KindIncomplete && r.refs != nil {
		out.References = r.refs(e)
	}
	return out
}

// messageOf is the message of an error and of those it wraps. Error() would put
// paths and positions in as well.
func messageOf(err error) string {
	var parts []string
	for err != nil {
		e, ok := err.(errors.Error)
		if !ok {
			parts = append(parts, err.Error())
			break
		}
		format, args := e.Msg()
		if text := fmt.Sprintf(format, args...); text != "" && !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
		err = errors.Unwrap(err)
	}
	return strings.Join(parts, ": ")
}

// isSyntax tells errors of the parser and of resolving names from those of
// finding packages.
func isSyntax(e errors.Error) bool {
	format, _ := e.Msg()
	return !strings.Contains(format, "import") && !strings.Contains(format, "module") && !strings.Contains(format, "package")
}

func (r reporter) path(labels []string) string {
	p := joinPath(labels)
	if r.reportAs == r.prefix {
		return p
	}
	rest, ok := strings.CutPrefix(p, r.prefix)
	if !ok {
		return p
	}
	if r.reportAs == "" {
		return strings.TrimPrefix(rest, ".")
	}
	if r.prefix == "" && rest != "" && rest[0] != '[' {
		rest = "." + rest
	}
	return r.reportAs + rest
}

func (r reporter) positions(e errors.Error) []Position {
	out := []Position{}
	seen := map[Position]bool{}
	for _, p := range positionsOf(e) {
		if pos, ok := r.position(p); ok && !seen[pos] && len(out) < maxPositions {
			seen[pos] = true
			out = append(out, pos)
		}
	}
	return out
}

// positionsOf are those of an error and, where it has none, of what it wraps.
func positionsOf(err error) []token.Pos {
	for ; err != nil; err = errors.Unwrap(err) {
		if found := errors.Positions(err); len(found) > 0 {
			return found
		}
	}
	return nil
}

func (r reporter) position(p token.Pos) (Position, bool) {
	if !p.IsValid() {
		return Position{}, false
	}
	pos := p.Position()
	if pos.Filename == "" || pos.Filename == "-" {
		pos.Filename = r.rename
	}
	return Position{File: pos.Filename, Line: pos.Line, Column: pos.Column}, pos.Filename != ""
}

// oneLine joins the lines of a message, and cuts what quotes a huge value.
func oneLine(s string) string {
	return cutText(strings.Join(strings.Fields(s), " "), maxMessageBytes)
}

func cutText(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}

// promote makes a CUE error of any error, and nothing of none.
func promote(err error, message string) errors.Error {
	if err == nil {
		return nil
	}
	return errors.Promote(err, message)
}
