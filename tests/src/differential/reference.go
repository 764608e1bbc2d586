// What becomes of programs under CUE's own evaluator: a line of standard input is a program (a JSON string) with a field
// p, a line of standard output what becomes of that field. A program in brackets is asked where in it there are errors.
//
// It is built inside a checkout of CUE, whose version is then what the programs are measured by:
//
//	go build -C CHECKOUT -o PATH $PWD/tests/src/differential/reference.go
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"time"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/format"
)

// A program has this much time and memory; one that needs more costs the process, and whoever started it starts another.
const (
	limit  = 2 * time.Second
	memory = 2 << 30
)

type outcome struct {
	Class string   `json:"class"`
	Paths []string `json:"paths,omitempty"`
	Text  string   `json:"text,omitempty"`
}

func main() {
	debug.SetMaxStack(256 << 20)
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	say := func(o outcome) {
		line, err := json.Marshal(o)
		if err != nil {
			line = []byte(`{"class":"failed","text":"no JSON"}`)
		}
		out.Write(append(line, '\n'))
		// What has been said survives a crash.
		out.Flush()
	}
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var texts []string
		ask := failing
		if bytes.HasPrefix(line, []byte("\"")) {
			ask = evaluate
			texts = make([]string, 1)
			err = json.Unmarshal(line, &texts[0])
		} else {
			err = json.Unmarshal(line, &texts)
		}
		if err != nil || len(texts) == 0 {
			say(outcome{Class: "failed", Text: "not a program"})
			continue
		}
		done := make(chan outcome, 1)
		go func() { done <- ask(texts[0]) }()
		if o, ok := wait(done); ok {
			say(o)
			continue
		}
		say(outcome{Class: "failed", Text: "no answer within the limits"})
		os.Exit(3)
	}
}

func wait(done chan outcome) (outcome, bool) {
	start := time.Now()
	for {
		select {
		case o := <-done:
			return o, true
		case <-time.After(50 * time.Millisecond):
			used := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
			metrics.Read(used)
			if time.Since(start) > limit || used[0].Value.Uint64() > memory {
				return outcome{}, false
			}
		}
	}
}

func evaluate(text string) (o outcome) {
	defer func() {
		if why := recover(); why != nil {
			o = outcome{Class: "failed", Text: fmt.Sprintf("panic: %v", why)}
		}
	}()
	root := cuecontext.New().CompileString(text)
	if err := root.Validate(); err != nil {
		if why := refusal(err); why != "" {
			return outcome{Class: "refused", Text: why}
		}
		return outcome{Class: "wrong", Paths: paths(err), Text: err.Error()}
	}
	if root.Err() != nil {
		// Where a required field is wrong, only that it is missing is said.
		err := root.Validate(cue.Final())
		return outcome{Class: "wrong", Paths: paths(err), Text: fmt.Sprint(err)}
	}
	p := root.LookupPath(cue.ParsePath("p"))
	if err := root.Validate(cue.Concrete(true)); err != nil {
		value, err2 := format.Node(p.Syntax(cue.Final(), cue.Definitions(true)))
		if err2 != nil {
			return outcome{Class: "failed", Text: err2.Error()}
		}
		return outcome{Class: "incomplete", Paths: paths(err), Text: string(value)}
	}
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "    ")
	if err := encoder.Encode(p); err != nil {
		return outcome{Class: "incomplete", Paths: []string{err.Error()}}
	}
	return outcome{Class: "data", Text: strings.TrimSpace(data.String())}
}

// Where in p there are errors, and nothing is final.
func failing(text string) (o outcome) {
	defer func() {
		if why := recover(); why != nil {
			o = outcome{Class: "failed", Text: fmt.Sprintf("panic: %v", why)}
		}
	}()
	root := cuecontext.New().CompileString(text)
	o = outcome{Class: "incomplete"}
	collect(root.LookupPath(cue.ParsePath("p")), "p", 0, &o)
	return o
}

func collect(v cue.Value, path string, depth int, o *outcome) {
	if v.Err() != nil {
		o.Paths = append(o.Paths, path)
	}
	if depth > deep || len(o.Paths) > many {
		return
	}
	if list, err := v.List(); err == nil {
		for i := 0; list.Next(); i++ {
			collect(list.Value(), fmt.Sprintf("%s.%d", path, i), depth+1, o)
		}
		return
	}
	fields, err := v.Fields(cue.Definitions(true), cue.Hidden(true))
	if err != nil {
		return
	}
	for fields.Next() {
		collect(fields.Value(), path+"."+fields.Selector().String(), depth+1, o)
	}
}

// How deep errors are looked for, and how many are enough.
const (
	deep = 8
	many = 1000
)

// What is wrong with a program before it is evaluated.
func refusal(err error) string {
	for _, e := range errors.Errors(err) {
		form, arguments := e.Msg()
		why := fmt.Sprintf(form, arguments...)
		for _, kind := range []string{
			"reference \"", "unreferenced alias or let clause", "redeclared", "expected ",
		} {
			found := strings.HasSuffix(why, "not found") || strings.Contains(why, " in label expression refers to ")
			if strings.HasPrefix(why, kind) && (kind != "reference \"" || found) {
				return why
			}
		}
	}
	return ""
}

func paths(err error) []string {
	seen := map[string]bool{}
	var all []string
	for _, e := range errors.Errors(err) {
		path := strings.Join(e.Path(), ".")
		if !seen[path] {
			seen[path] = true
			all = append(all, path)
		}
	}
	return all
}
