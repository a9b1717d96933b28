// Command native is the engine without WebAssembly, for benchmarks: it reads
// a request, answers it once, and with -n evaluates it again that many times,
// printing the times taken in microseconds as JSON.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"os"
	"slices"
	"time"

	"cuelang-wasm/engine"
)

func main() {
	n := flag.Int("n", 0, "number of warm evaluations to time")
	flag.Parse()
	request, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	s := engine.NewSession()
	start := time.Now()
	response := s.Handle(request)
	cold := time.Since(start)
	if *n == 0 {
		os.Stdout.Write(response)
		return
	}
	times := make([]time.Duration, *n)
	for i := range times {
		start := time.Now()
		s.Handle(request)
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	out := map[string]float64{
		"coldMicros": micros(cold),
		"p50Micros":  micros(times[len(times)/2]),
		"p99Micros":  micros(times[len(times)*99/100]),
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		log.Fatal(err)
	}
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
