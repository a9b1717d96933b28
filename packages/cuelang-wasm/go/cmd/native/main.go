// Command native is the engine without WebAssembly, for benchmarks and for
// looking into it: requests on standard input, one JSON value after another,
// are answered by one session. With -time each answer is wrapped into a line
// {"micros": …, "answer": …} that says how long it took.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"os"
	"time"

	"cuelang-wasm/engine"
)

type timedAnswer struct {
	Micros float64         `json:"micros"`
	Answer json.RawMessage `json:"answer"`
}

func main() {
	timed := flag.Bool("time", false, "say how long each answer took")
	flag.Parse()
	if err := serve(json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout), *timed); err != nil {
		log.Fatal(err)
	}
}

func serve(requests *json.Decoder, answers *json.Encoder, timed bool) error {
	answers.SetEscapeHTML(false)
	session := engine.NewSession()
	for {
		var request json.RawMessage
		if err := requests.Decode(&request); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		start := time.Now()
		answer := session.Handle(request)
		took := time.Since(start)
		var out any = json.RawMessage(answer)
		if timed {
			out = timedAnswer{Micros: float64(took.Nanoseconds()) / 1000, Answer: answer}
		}
		if err := answers.Encode(out); err != nil {
			return err
		}
	}
}
