package engine

import (
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
)

// parsePath reads a CUE path; hidden fields are those of the package.
func parsePath(s, pkgID string) cue.Path {
	if s == "" {
		return cue.MakePath()
	}
	p := cue.ParsePath(s)
	sels := p.Selectors()
	for i, sel := range sels {
		if sel.LabelType().IsHidden() {
			sels[i] = cue.Hid(sel.String(), pkgID)
			p = cue.MakePath(sels...)
		}
	}
	return p
}

// joinPath writes labels as CUE gives them in errors as one path.
func joinPath(labels []string) string {
	var b strings.Builder
	for _, l := range labels {
		if _, err := strconv.Atoi(l); err == nil {
			b.WriteString("[" + l + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(l)
	}
	return b.String()
}

// labelOf writes a plain key as a label of a path.
func labelOf(key string) string {
	if ast.IsValidIdent(key) && !ast.StringLabelNeedsQuoting(key) {
		return key
	}
	return literal.Label.Quote(key)
}
