package engine

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

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
	// kind is what the errors are.
	kind string
	// prefix of error paths, and what is put in its place.
	prefix, reportAs string
	// filled tells that values left open are input that is missing.
	filled bool
	refs   func(errors.Error) []string
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
	if kind == KindSyntax && isImport(e) {
		kind = KindImport
	}
	if format == "field is required but not present" || r.filled && kind == KindIncomplete &&
		strings.HasPrefix(format, "incomplete value") {
		kind = KindMissing
	}
	out := Error{Kind: kind, Path: cutText(r.path(e.Path()), maxPathBytes), Message: message, Positions: positionList(positionsOf(e)...)}
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

// isImport tells errors of finding packages from those of reading them.
func isImport(e errors.Error) bool {
	var imp *importError
	format, _ := e.Msg()
	return errors.As(e, &imp) || strings.HasPrefix(format, "builtin package")
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

func positionList(found ...token.Pos) []Position {
	out := []Position{}
	for _, p := range found {
		if pos, ok := position(p); ok && !slices.Contains(out, pos) && len(out) < maxPositions {
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

func position(p token.Pos) (Position, bool) {
	if !p.IsValid() {
		return Position{}, false
	}
	pos := p.Position()
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
