// Package engine evaluates CUE modules that are handed over as text.
//
// It reads one JSON request and answers one JSON response, so that the same
// code serves the WebAssembly reactor and the native twin. It touches neither
// files nor network nor environment: whatever a module needs is in the request.
package engine

// Tree is a set of files by slash-separated path relative to the module root.
type Tree map[string]string

// Dependency is the tree of one published module version.
type Dependency struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	Files   Tree   `json:"files"`
}

// Module is everything needed to build the packages of one main module.
type Module struct {
	Files        Tree         `json:"files"`
	Builtins     []Tree       `json:"builtins"`
	Dependencies []Dependency `json:"dependencies"`
}

// Request is one question. Op tells which of the other fields count.
type Request struct {
	Op string `json:"op"`

	// evaluate
	ModuleID string  `json:"moduleId"`
	Module   *Module `json:"module"`
	Package  string  `json:"package"`
	Fills    []Fill  `json:"fills"`
	Queries  []Query `json:"queries"`
	Limits   Limits  `json:"limits"`

	// format
	Name   string `json:"name"`
	Source string `json:"source"`
}

// Limits bounds what one answer may hold.
type Limits struct {
	MaxModules     int `json:"maxModules"`
	MaxOutputBytes int `json:"maxOutputBytes"`
	MaxErrors      int `json:"maxErrors"`
}

// Fill unifies JSON text with the value at Path. Where UnifyWith names an
// existing value, Path is unified with that as well.
type Fill struct {
	Path      string `json:"path"`
	JSON      string `json:"json"`
	Name      string `json:"name"`
	UnifyWith string `json:"unifyWith"`
}

// Query is one question about the filled package.
type Query struct {
	Type     string `json:"type"`
	Path     string `json:"path"`
	Concrete bool   `json:"concrete"`
	// Fill is unified with the value at Path of the unfilled package.
	Fill *Fill `json:"fill"`
	// ReportAs replaces Path at the start of the paths of errors.
	ReportAs string `json:"reportAs"`
	// Gate skips the queries after this one where it found errors.
	Gate     bool     `json:"gate"`
	Roots    []string `json:"roots"`
	Children bool     `json:"children"`
}

// Response is the answer to a Request.
type Response struct {
	// Unknown says that the module is not held here and has to be sent.
	Unknown bool `json:"unknown,omitempty"`
	// Needs lists module versions that have to be sent with the module.
	Needs   []Need    `json:"needs,omitempty"`
	Errors  []Error   `json:"errors,omitempty"`
	Results []*Result `json:"results,omitempty"`
	Evicted []string  `json:"evicted,omitempty"`
	Module  *Info     `json:"module,omitempty"`

	Text       string `json:"text,omitempty"`
	CUEVersion string `json:"cueVersion,omitempty"`
	GoVersion  string `json:"goVersion,omitempty"`
}

// Info is what a module says about itself.
type Info struct {
	Path            string `json:"path"`
	LanguageVersion string `json:"languageVersion,omitempty"`
}

// Need names a module version that a module depends on.
type Need struct {
	Path    string `json:"path"`
	Version string `json:"version"`
}

// Position is a place in a file of the request.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// Error is one thing that is wrong, and where.
type Error struct {
	Kind       string     `json:"kind"`
	Path       string     `json:"path"`
	Message    string     `json:"message"`
	Positions  []Position `json:"positions"`
	References []string   `json:"references,omitempty"`
	// Limit is "output" where an answer was cut.
	Limit string `json:"limit,omitempty"`
}

// The kinds of Error.
const (
	KindConflict   = "conflict"
	KindIncomplete = "incomplete"
	KindMissing    = "missing"
	KindSyntax     = "syntax"
	KindImport     = "import"
	KindLimit      = "limit"
)

// Result answers one Query; which fields are set depends on its type. A query
// that was skipped has no result.
type Result struct {
	Type   string  `json:"type"`
	Exists bool    `json:"exists"`
	Kind   string  `json:"kind,omitempty"`
	JSON   *string `json:"json,omitempty"`
	Errors []Error `json:"errors"`
	// Children is a []Child or a []ChildReferences; nil only where it isn't asked for.
	Children any `json:"children,omitempty"`
	// References is a []Reference; nil only where it isn't asked for.
	References any `json:"references,omitempty"`
}

// Child is a field or an element of the value asked for.
type Child struct {
	Label  string  `json:"label"`
	JSON   *string `json:"json,omitempty"`
	Errors []Error `json:"errors"`
}

// ChildReferences is what a field or an element reads.
type ChildReferences struct {
	Label      string      `json:"label"`
	References []Reference `json:"references"`
}

// Reference is a path at or below one of the roots asked for. A "*" among
// Segments stands for a key that isn't known.
type Reference struct {
	Segments []string `json:"segments"`
	Path     string   `json:"path"`
}
