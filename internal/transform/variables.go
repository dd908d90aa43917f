package transform

import (
	"strings"
	"time"
)

// A variable is one of the names that an expression may use for what is not in the payload.
type variable string

const (
	varKey     variable = "$key"
	varTopic   variable = "$topic"
	varTime    variable = "$time"
	varHeaders variable = "$headers"
)

// mentioned returns the variables that occur in an expression. Only these are declared to the compiler and built for
// each record. A name inside a string or a comment counts too, which costs a little time and nothing else.
func mentioned(expr string) (vars []variable, names []string) {
	for _, v := range []variable{varKey, varTopic, varTime, varHeaders} {
		if strings.Contains(expr, string(v)) {
			vars = append(vars, v)
			names = append(names, string(v))
		}
	}
	return vars, names
}

// variables are the values for one record, built when first asked for and then shared by its steps.
type variables struct {
	topic   string
	key     string
	time    time.Time
	headers map[string]string

	timeValue    any
	headersValue map[string]any
}

// args returns the values of vars, in their order.
func (v *variables) args(vars []variable) []any {
	if len(vars) == 0 {
		return nil
	}
	args := make([]any, len(vars))
	for i, name := range vars {
		switch name {
		case varKey:
			args[i] = v.key
		case varTopic:
			args[i] = v.topic
		case varTime:
			if v.timeValue == nil && !v.time.IsZero() {
				v.timeValue = v.time.UTC().Format(time.RFC3339Nano)
			}
			args[i] = v.timeValue
		case varHeaders:
			if v.headersValue == nil {
				v.headersValue = make(map[string]any, len(v.headers))
				for name, value := range v.headers {
					v.headersValue[name] = value
				}
			}
			args[i] = v.headersValue
		}
	}
	return args
}
