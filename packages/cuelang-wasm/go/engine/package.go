package engine

import (
	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/encoding/json"
)

// pkg is a built package of a module, not filled.
type pkg struct {
	inst *build.Instance
	base cue.Value
	// joined holds base with paths unified with others, by these pairs.
	joined map[string]cue.Value
	// analyses of what is read, by roots and joined paths.
	analyses map[string]*analysis
	paths    map[string]cue.Path
}

// open builds a package, or returns the one built before. A package that can't
// be built is not kept: it costs no more the next time.
func (m *module) open(req *Request) (*pkg, []Error) {
	if p := m.packages[req.Package]; p != nil {
		return p, nil
	}
	r := reporter{limit: req.Limits.MaxErrors, kind: KindSyntax}
	inst, err := m.load.loadMain(req.Package)
	if err != nil {
		return nil, r.list(err)
	}
	if inst.ResolutionErr != nil {
		return nil, r.list(inst.ResolutionErr)
	}
	p := &pkg{inst: inst, base: m.ctx.BuildInstance(inst), joined: map[string]cue.Value{},
		analyses: map[string]*analysis{}, paths: map[string]cue.Path{}}
	if inst.Err != nil {
		return nil, r.list(inst.Err)
	}
	m.packages[req.Package] = p
	return p, nil
}

// maxPaths bounds the paths kept parsed.
const maxPaths = 1000

func (p *pkg) path(s string) cue.Path {
	path, ok := p.paths[s]
	if !ok {
		if len(p.paths) >= maxPaths {
			clear(p.paths)
		}
		path = parsePath(s, p.inst.ID())
		p.paths[s] = path
	}
	return path
}

// filled unifies the package with the fills, all in one step.
func (p *pkg) filled(fills []Fill) (cue.Value, errors.Error) {
	v := p.withJoins(fills)
	data := &ast.StructLit{}
	for _, f := range fills {
		if f.JSON == "" {
			continue
		}
		expr, err := f.expr()
		if err != nil {
			return v, err
		}
		path := p.path(f.Path)
		if err := path.Err(); err != nil {
			return v, promote(err, "invalid path of a fill")
		}
		sels := path.Selectors()
		for i := len(sels) - 1; i > 0; i-- {
			expr = ast.NewStruct(label(sels[i]), expr)
		}
		if len(sels) == 0 {
			data.Elts = append(data.Elts, &ast.EmbedDecl{Expr: expr})
			continue
		}
		data.Elts = append(data.Elts, &ast.Field{Label: label(sels[0]), Value: expr})
	}
	if len(data.Elts) == 0 {
		return v, nil
	}
	return v.Unify(v.Context().BuildExpr(data, cue.ImportPath(p.inst.ID()))), nil
}

// expr reads JSON text as an expression: numbers keep all their digits.
func (f Fill) expr() (ast.Expr, errors.Error) {
	name := f.Name
	if name == "" {
		name = f.Path
	}
	expr, err := json.Extract(name, []byte(f.JSON))
	return expr, promote(err, "")
}

func label(sel cue.Selector) ast.Label {
	if sel.LabelType() == cue.StringLabel {
		return ast.NewString(sel.Unquoted())
	}
	return ast.NewIdent(sel.String())
}

// withJoins returns the package with each fill's path unified with the value
// that UnifyWith names. Most modules have input: #Input themselves already.
func (p *pkg) withJoins(fills []Fill) cue.Value {
	v, key := p.base, ""
	for _, f := range fills {
		if f.UnifyWith == "" {
			continue
		}
		other := p.path(f.UnifyWith)
		target := p.base.LookupPath(other)
		if !target.Exists() {
			continue
		}
		at := p.path(f.Path)
		if root, ref := p.base.LookupPath(at).ReferencePath(); root.Exists() && ref.String() == other.String() {
			continue
		}
		key += f.Path + "\x00" + f.UnifyWith + "\x00"
		joined, ok := p.joined[key]
		if !ok {
			joined = v.FillPath(at, target)
			p.joined[key] = joined
		}
		v = joined
	}
	return v
}
