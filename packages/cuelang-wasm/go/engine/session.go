package engine

import (
	"bytes"
	"encoding/json"
	"runtime"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/parser"
)

// Session answers requests and keeps the modules used last.
type Session struct {
	modules map[string]*module
	order   []string // least recently used first
}

// module is a loaded main module with the packages built of it so far. It has
// a CUE context of its own, so that dropping it frees what it holds.
type module struct {
	ctx      *cue.Context
	load     *loader
	packages map[string]*pkg
	info     Info
}

// NewSession returns a session without modules.
func NewSession() *Session {
	return &Session{modules: map[string]*module{}}
}

// Handle answers one request.
func (s *Session) Handle(request []byte) []byte {
	var req Request
	var resp *Response
	if err := json.Unmarshal(request, &req); err != nil {
		resp = &Response{Errors: []Error{{Kind: KindSyntax, Message: "malformed request: " + err.Error()}}}
	} else {
		resp = s.answer(&req)
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(resp); err != nil {
		return []byte(`{"errors":[{"kind":"limit","path":"","message":"the answer can't be encoded","positions":[]}]}`)
	}
	return buf.Bytes()
}

func (s *Session) answer(req *Request) *Response {
	req.Limits = req.Limits.withDefaults()
	switch req.Op {
	case "evaluate":
		return s.evaluate(req)
	case "format":
		return formatSource(req)
	case "version":
		return &Response{CUEVersion: cue.LanguageVersion(), GoVersion: runtime.Version()}
	}
	return &Response{Errors: []Error{{Kind: KindSyntax, Message: "unknown operation " + req.Op, Positions: []Position{}}}}
}

func formatSource(req *Request) *Response {
	f, err := parser.ParseFile(req.Name, req.Source, parser.ParseComments)
	var out []byte
	if err == nil {
		out, err = format.Node(f)
	}
	if err != nil {
		r := reporter{limit: req.Limits.MaxErrors, kind: KindSyntax}
		return &Response{Errors: r.list(err)}
	}
	return &Response{Text: string(out)}
}

func (s *Session) evaluate(req *Request) *Response {
	resp := &Response{}
	m := s.modules[req.ModuleID]
	if m == nil {
		if req.Module == nil {
			return &Response{Unknown: true}
		}
		var errs errors.Error
		m, resp.Needs, errs = openModule(req.Module)
		if errs != nil {
			r := reporter{limit: req.Limits.MaxErrors, kind: KindSyntax}
			return &Response{Errors: r.list(errs)}
		}
		if len(resp.Needs) > 0 {
			return resp
		}
		s.modules[req.ModuleID] = m
	}
	resp.Evicted = s.touch(req.ModuleID, req.Limits.MaxModules)
	resp.Module = &m.info
	p, errs := m.open(req)
	if errs != nil {
		resp.Errors = errs
		return resp
	}
	p.run(req, resp)
	return resp
}

// touch makes a module the most recently used and drops what is over the limit.
func (s *Session) touch(id string, limit int) (evicted []string) {
	for i, other := range s.order {
		if other == id {
			s.order = append(s.order[:i], s.order[i+1:]...)
			break
		}
	}
	s.order = append(s.order, id)
	for len(s.order) > limit {
		delete(s.modules, s.order[0])
		evicted = append(evicted, s.order[0])
		s.order = s.order[1:]
	}
	return evicted
}

func (l Limits) withDefaults() Limits {
	if l.MaxModules <= 0 {
		l.MaxModules = 16
	}
	if l.MaxOutputBytes <= 0 {
		l.MaxOutputBytes = 64 << 20
	}
	if l.MaxErrors <= 0 {
		l.MaxErrors = 100
	}
	return l
}

// openModule reads the module files and picks the dependencies. Where trees of
// dependencies are missing it returns which, and no module.
func openModule(req *Module) (*module, []Need, errors.Error) {
	main, errs := newSource(req.Files, "")
	if errs != nil {
		return nil, nil, errs
	}
	var builtins []*source
	for _, files := range req.Builtins {
		b, err := newSource(files, "")
		if err != nil {
			errs = errors.Append(errs, err)
			continue
		}
		b.display = b.mod.QualifiedModule()
		builtins = append(builtins, b)
	}
	if errs != nil {
		return nil, nil, errs
	}
	deps, needs, errs := selectVersions(main, builtins, req.Dependencies)
	if errs != nil || len(needs) > 0 {
		return nil, needs, errs
	}
	m := &module{ctx: cuecontext.New(), load: newLoader(main, builtins, deps), packages: map[string]*pkg{}}
	m.info.Path = main.mod.QualifiedModule()
	if main.mod.Language != nil {
		m.info.LanguageVersion = main.mod.Language.Version
	}
	return m, nil, nil
}
