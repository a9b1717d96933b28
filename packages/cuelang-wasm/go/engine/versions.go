package engine

import (
	"cmp"
	"slices"

	"cuelang.org/go/cue/errors"
	"golang.org/x/mod/semver"
)

// selectVersions picks the version of each dependency by minimal version
// selection: the highest that any module in the graph asks for. It returns the
// versions whose trees it has to see first, if any are missing.
func selectVersions(main *source, builtins []*source, given []Dependency) ([]*source, []Need, errors.Error) {
	trees := map[Need]Tree{}
	for _, d := range given {
		trees[Need{d.Path, d.Version}] = d.Files
	}
	provided := map[string]bool{}
	for _, b := range builtins {
		provided[b.mod.QualifiedModule()] = true
	}
	selected := map[string]string{}
	loaded := map[Need]*source{}
	missing := map[Need]bool{}
	var errs errors.Error
	queue := append([]*source{main}, builtins...)
	for len(queue) > 0 {
		from := queue[0]
		queue = queue[1:]
		for _, v := range from.mod.DepVersions() {
			need := Need{v.Path(), v.Version()}
			if provided[need.Path] || need.Path == main.mod.QualifiedModule() {
				continue
			}
			if semver.Compare(need.Version, selected[need.Path]) > 0 {
				selected[need.Path] = need.Version
			}
			if loaded[need] != nil || missing[need] {
				continue
			}
			files, ok := trees[need]
			if !ok {
				missing[need] = true
				continue
			}
			s, err := newSource(files, need.Path[:len(need.Path)-len(majorSuffix(need.Path))]+"@"+need.Version)
			if err != nil {
				errs = errors.Append(errs, err)
				missing[need] = true
				continue
			}
			loaded[need] = s
			queue = append(queue, s)
		}
	}
	if errs != nil {
		return nil, nil, errs
	}
	if len(missing) > 0 {
		var needs []Need
		for n := range missing {
			needs = append(needs, n)
		}
		slices.SortFunc(needs, func(a, b Need) int {
			return cmp.Or(cmp.Compare(a.Path, b.Path), semver.Compare(a.Version, b.Version))
		})
		return nil, needs, nil
	}
	var deps []*source
	for path, version := range selected {
		s := loaded[Need{path, version}]
		// The tree is what the dependency says it is, even without a module file.
		s.root, s.major = path[:len(path)-len(majorSuffix(path))], majorSuffix(path)[1:]
		deps = append(deps, s)
	}
	slices.SortFunc(deps, func(a, b *source) int { return cmp.Compare(a.root+"@"+a.major, b.root+"@"+b.major) })
	return deps, nil, nil
}

// majorSuffix returns the "@v0" of a module path.
func majorSuffix(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '@' {
			return path[i:]
		}
	}
	return "@v0"
}
