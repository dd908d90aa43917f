package config

// ParseLiteral reads a file of another platform: a mapping in YAML or JSON whose keys are the caller's to judge. Values are
// taken as they are, so that ${env:NAME} is text like any other; a null is as good as an absent key. All else is as in Parse,
// the limits and the forms of scalars included. The values have Any and Line set. path serves for messages, and for telling
// JSON by the ending .json. The error is an *Error that lists every problem; no message holds a value.
func ParseLiteral(path string, data []byte) (map[string]Value, error) {
	root, problem := parse(path, data)
	if problem != nil {
		problem.File = path
		return nil, &Error{Problems: []Problem{*problem}}
	}
	b := binder{file: &File{Path: path}, literal: true}
	if root.kind != mapping {
		b.problem(root.line, root.column, "", "the file is "+root.kind.String()+" and not a mapping", "")
	}
	values := map[string]Value{}
	for _, e := range b.unique(root, "", false) {
		if !b.leftOut(e.value) {
			values[e.key], _ = b.value(e, e.key, false)
		}
	}
	if len(b.problems) > 0 {
		return nil, &Error{Problems: sortProblems(b.problems)}
	}
	return values, nil
}
