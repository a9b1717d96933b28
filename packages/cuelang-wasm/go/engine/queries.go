package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
)

// run answers the queries of a request. The filled package is made when the
// first query needs it, and once.
func (p *pkg) run(req *Request, resp *Response) {
	e := &evaluation{pkg: p, req: req, left: req.Limits.MaxOutputBytes}
	gated := false
	for i := range req.Queries {
		q := &req.Queries[i]
		if gated {
			resp.Results = append(resp.Results, nil)
			continue
		}
		r := &Result{Type: q.Type, Errors: []Error{}}
		if err := e.query(q, r); err != nil {
			resp.Results = nil
			resp.Errors = []Error{*err}
			return
		}
		gated = q.Gate && len(r.Errors) > 0
		resp.Results = append(resp.Results, r)
	}
}

// evaluation is the state of one request.
type evaluation struct {
	pkg   *pkg
	req   *Request
	value cue.Value
	ready bool
	left  int
}

func (e *evaluation) query(q *Query, r *Result) *Error {
	if q.Type == "validate" && q.Fill != nil {
		e.validateAlone(q, r)
		return nil
	}
	if !e.ready {
		v, err := e.pkg.filled(e.req.Fills)
		if err != nil {
			list := reporter{limit: 1, kind: KindSyntax}.list(err)
			return &list[0]
		}
		e.value, e.ready = v, true
	}
	path := e.pkg.path(q.Path)
	if err := path.Err(); err != nil {
		return &Error{Kind: KindSyntax, Path: q.Path, Message: oneLine(err.Error()), Positions: []Position{}}
	}
	v := e.value.LookupPath(path)
	r.Exists = v.Exists()
	if q.Type == "references" {
		e.references(v, path, q, r)
		return nil
	}
	if q.Type == "children" {
		r.Children = []Child{}
	}
	if !r.Exists {
		if q.Type != "exists" {
			r.Errors = e.absent(path, e.reporter(q))
		}
		return nil
	}
	r.Kind = kindOf(v)
	switch q.Type {
	case "exists":
		return nil
	case "validate":
		r.Errors = e.reporter(q).value(v, q.Concrete)
		return nil
	case "export":
		var err *Error
		r.JSON, r.Errors, err = e.export(v, e.reporter(q))
		return err
	case "children":
		return e.children(v, q, r)
	}
	return &Error{Kind: KindSyntax, Path: q.Path, Message: "unknown query " + q.Type, Positions: []Position{}}
}

func (e *evaluation) reporter(q *Query) reporter {
	r := reporter{limit: e.req.Limits.MaxErrors, prefix: q.Path, reportAs: q.Path, refs: e.lacking}
	if q.ReportAs != "" {
		r.reportAs = q.ReportAs
	}
	return r
}

// validateAlone checks JSON text against a value of the unfilled package, so
// that errors are about this text and nothing else.
func (e *evaluation) validateAlone(q *Query, r *Result) {
	rep := e.reporter(q)
	rep.filled, rep.refs = true, nil
	v := e.pkg.base.LookupPath(e.pkg.path(q.Path))
	r.Exists = v.Exists()
	if !r.Exists {
		return
	}
	expr, err := q.Fill.expr()
	if err != nil {
		rep.kind = KindSyntax
		r.Errors = rep.list(err)
		for i := range r.Errors {
			r.Errors[i].Path = rep.reportAs
		}
		return
	}
	data := v.Context().BuildExpr(expr)
	whole := v.Unify(data)
	r.Kind = kindOf(whole)
	r.Errors = rep.value(whole, q.Concrete)
	for _, more := range rep.notAllowed(whole, v, data) {
		if !slices.ContainsFunc(r.Errors, func(e Error) bool { return e.Path == more.Path && e.Message == more.Message }) {
			r.Errors = append(r.Errors, more)
		}
	}
	r.Errors = rep.cut(r.Errors)
}

func kindOf(v cue.Value) string {
	return v.IncompleteKind().String()
}

// export writes a value as JSON text, or says why it can't. The error result
// is for answers over the limit.
func (e *evaluation) export(v cue.Value, r reporter) (*string, []Error, *Error) {
	errs := r.value(v, true)
	if len(errs) > 0 {
		return nil, errs, nil
	}
	text, err := v.MarshalJSON()
	if err != nil {
		// What is wrong with a hidden field shows only here.
		r.kind = KindConflict
		if cue.IsIncomplete(err) {
			r.kind = KindIncomplete
		}
		return nil, r.list(promote(err, "")), nil
	}
	if e.left -= len(text); e.left < 0 {
		return nil, nil, &Error{Kind: KindLimit, Limit: "output", Positions: []Position{},
			Message: fmt.Sprintf("the result is over %d bytes", e.req.Limits.MaxOutputBytes)}
	}
	s := string(text)
	return &s, errs, nil
}

// children looks at each field or element by itself, and at what is wrong with
// the struct or list as such.
func (e *evaluation) children(v cue.Value, q *Query, r *Result) *Error {
	rep := e.reporter(q)
	v, _ = v.Default()
	r.Errors = e.ownErrors(v, rep)
	if k := v.Kind(); len(r.Errors) == 0 && k&(cue.StructKind|cue.ListKind|cue.BottomKind) != k {
		message := "a struct or a list is expected, not " + k.String()
		r.Errors = []Error{{Kind: KindConflict, Path: rep.reportAs, Message: message, Positions: []Position{}}}
	}
	children := []Child{}
	defer func() { r.Children = children }()
	return eachChild(v, func(label string, v cue.Value) (err *Error) {
		c := Child{Label: label}
		c.JSON, c.Errors, err = e.export(v, rep)
		children = append(children, c)
		return err
	})
}

// eachChild calls f for the fields of a struct or the elements of a list.
func eachChild(v cue.Value, f func(label string, v cue.Value) *Error) *Error {
	if v.IncompleteKind() == cue.ListKind {
		list, _ := v.List()
		for i := 0; list.Next(); i++ {
			if err := f(strconv.Itoa(i), list.Value()); err != nil {
				return err
			}
		}
		return nil
	}
	it, err := v.Fields()
	if err != nil {
		return nil
	}
	for it.Next() {
		sel := it.Selector()
		label := strings.Trim(sel.String(), "[]")
		if sel.LabelType() == cue.StringLabel {
			label = sel.Unquoted()
		}
		if err := f(label, it.Value()); err != nil {
			return err
		}
	}
	return nil
}

// absent tells why a value is not there, if that is no plain absence: the
// struct that could hold it may be open or wrong.
func (e *evaluation) absent(path cue.Path, r reporter) []Error {
	sels := path.Selectors()
	for i := len(sels) - 1; i >= 0; i-- {
		if v := e.value.LookupPath(cue.MakePath(sels[:i]...)); v.Exists() {
			return e.ownErrors(v, r)
		}
	}
	return []Error{}
}

// ownErrors are those of a struct or list itself, without its children's.
func (e *evaluation) ownErrors(v cue.Value, r reporter) []Error {
	c := collector{reporter: r, out: []Error{}, seen: map[string]bool{}}
	if err := v.Err(); err != nil {
		kind := KindConflict
		if cue.IsIncomplete(err) {
			kind = KindIncomplete
		}
		c.add(err, kind, len(v.Path().Selectors()))
	}
	return r.cut(c.out)
}
