package engine

import (
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
)

// parsePath reads a CUE path; hidden fields are those of the package.
func parsePath(s, pkgID string) cue.Path {
	if s == "" {
		return cue.MakePath()
	}
	x, err := parser.ParseExpr("", s)
	if err == nil {
		if sels, ok := selectors(x, pkgID, nil); ok {
			slices.Reverse(sels)
			return cue.MakePath(sels...)
		}
	}
	// CUE's own parser of paths says what is wrong.
	return cue.ParsePath(s)
}

// selectors lists the selectors of a reference, last first.
func selectors(x ast.Expr, pkgID string, sels []cue.Selector) ([]cue.Selector, bool) {
	switch x := x.(type) {
	case *ast.Ident, *ast.BasicLit:
		return selector(x, pkgID, sels)
	case *ast.SelectorExpr:
		l, ok := x.Sel.(ast.Expr)
		if sels, ok = selector(l, pkgID, sels); !ok {
			return nil, false
		}
		return selectors(x.X, pkgID, sels)
	case *ast.IndexExpr:
		lit, ok := x.Index.(*ast.BasicLit)
		if !ok {
			return nil, false
		}
		if n, err := strconv.Atoi(lit.Value); err == nil {
			sels = append(sels, cue.Index(n))
		} else if sels, ok = selector(lit, pkgID, sels); !ok {
			return nil, false
		}
		return selectors(x.X, pkgID, sels)
	}
	return nil, false
}

func selector(x ast.Expr, pkgID string, sels []cue.Selector) ([]cue.Selector, bool) {
	if lit, ok := stringLit(x); ok {
		return append(sels, cue.Str(lit)), true
	}
	id, ok := x.(*ast.Ident)
	switch {
	case !ok || !ast.IsValidIdent(id.Name) || id.Name == "_":
		return nil, false
	case strings.HasPrefix(id.Name, "_"):
		return append(sels, cue.Hid(id.Name, pkgID)), true
	case strings.HasPrefix(id.Name, "#"):
		return append(sels, cue.Def(id.Name)), true
	}
	return append(sels, cue.Str(id.Name)), true
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
