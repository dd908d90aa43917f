package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/commontest"
)

func TestTablesAreFound(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE people (name VARCHAR(20), id INT, PRIMARY KEY (id, name))", "CREATE TABLE `odd one` (Id INT PRIMARY KEY)",
		"CREATE TABLE log (v TEXT)", "CREATE TABLE notes (v TEXT, PRIMARY KEY (v(10)))", "CREATE VIEW everybody AS SELECT * FROM people")
	other := newDatabase(t, "CREATE TABLE people (id INT PRIMARY KEY)")
	log, notes := `{"database":"D","mode":"insert","table":"log"}`, `{"database":"D","mode":"insert","table":"notes"}`
	odd, people := `{"database":"D","key":["Id"],"table":"odd one"}`, `{"database":"D","key":["id","name"],"table":"people"}`
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"of one database", []string{"--database", d.name}, []string{log, notes, odd, people}},
		{"of all", nil, []string{log, notes, odd, people, `{"database":"O","key":["id"],"table":"people"}`}},
		{"one table", []string{"--database", d.name, "--table", "people"}, []string{people}},
		{"one table of all databases", []string{"--table", "people"}, []string{people, `{"database":"O","key":["id"],"table":"people"}`}},
		{"to insert into", []string{"--database", other.name, "--mode", "insert"}, []string{`{"database":"O","table":"people"}`}},
		{"with a key", []string{"--database", d.name, "--key", "id"}, []string{`{"database":"D","table":"odd one"}`}},
		{"with a key of several columns", []string{"--database", d.name, "--key", "Name,id"}, []string{`{"database":"D","table":"people"}`}},
		{"whose key is among the columns", []string{"--database", d.name, "--columns", "id,name"}, []string{log, notes, odd, people}},
		{"whose key is not among the columns", []string{"--database", d.name, "--columns", "id"}, []string{log, notes, odd}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := commontest.Discover[MySQLSink](t, append([]string{"--address", serverSocket, "--username", "patchbay", "--password", "sesame"}, tt.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, f := range found {
				if f.Name != f.Options["database"].(string)+"."+f.Options["table"].(string) {
					t.Errorf("%v is called %s", f.Options, f.Name)
				}
				if f.Options["database"] != d.name && f.Options["database"] != other.name {
					continue // of another test
				}
				b, _ := json.Marshal(f.Options)
				all = append(all, strings.NewReplacer(`"`+d.name+`"`, `"D"`, `"`+other.name+`"`, `"O"`).Replace(string(b)))
			}
			if diff := cmp.Diff(tt.want, all); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhyNothingCanBeFoundIsTold(t *testing.T) {
	newDatabase(t)
	for want, args := range map[string][]string{
		"Access denied": {"--address", serverSocket, "--password", "barley"},
		"connect to":    {"--address", serverSocket + ".none", "--password", "barley"},
	} {
		found, err := commontest.Discover[MySQLSink](t, append(args, "--username", "patchbay")...)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "barley") {
			t.Errorf("found %v, error %v", found, err)
		}
	}
}
