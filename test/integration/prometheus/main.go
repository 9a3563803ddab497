// Command prometheus evaluates alert rules and queries by Prometheus' own code: its parser of scrapes, its database, its
// query engine and its alert rules. It reads a task from standard input and writes what came of it to standard output.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// task is what to do. Times are seconds.
type task struct {
	Scrapes []scrape `json:"scrapes"`
	Series  []series `json:"series"`
	// Step between the values of Series, and between evaluations of Rules.
	Step    int64    `json:"step"`
	Queries []string `json:"queries"`
	// At is when queries are evaluated, and the last evaluation of rules.
	At    int64  `json:"at"`
	Rules string `json:"rules"`
}

// scrape is an answer to a scrape, with the labels that Prometheus adds to it.
type scrape struct {
	At     int64             `json:"at"`
	Labels map[string]string `json:"labels"`
	Text   string            `json:"text"`
}

// series is written as in Prometheus' own tests: `name{label="value"} 0+1x10`.
type series string

type sample struct {
	Labels map[string]string `json:"labels"`
	Value  float64           `json:"value"`
}

type alert struct {
	At          int64             `json:"at"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

type outcome struct {
	Queries [][]sample `json:"queries"`
	// Firing are the alerts that fired, at the first evaluation at which they did.
	Firing []alert `json:"firing"`
	// Samples that were in all scrapes.
	Samples int `json:"samples"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	var t task
	decoder := json.NewDecoder(in)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&t); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "prometheus-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	quiet := slog.New(slog.DiscardHandler)
	db, err := tsdb.Open(folder, quiet, nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		return err
	}
	defer db.Close()
	engine := promql.NewEngine(promql.EngineOpts{
		Logger: quiet, MaxSamples: 1_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute,
	})
	result := outcome{Queries: [][]sample{}, Firing: []alert{}}
	if result.Samples, err = t.load(db); err != nil {
		return err
	}
	for _, query := range t.Queries {
		found, err := instant(engine, db, query, t.At)
		if err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
		result.Queries = append(result.Queries, found)
	}
	if t.Rules != "" {
		if result.Firing, err = t.fire(engine, db, quiet); err != nil {
			return err
		}
	}
	return json.NewEncoder(out).Encode(result)
}

// load puts everything into the database and returns the number of scraped samples.
func (t task) load(db *tsdb.DB) (int, error) {
	appender := db.Appender(context.Background())
	count := 0
	for _, s := range t.Scrapes {
		added, err := s.load(appender)
		if err != nil {
			return 0, fmt.Errorf("the scrape at %d: %w", s.At, err)
		}
		count += added
	}
	for _, s := range t.Series {
		metric, values, err := parser.ParseSeriesDesc(string(s))
		if err != nil {
			return 0, fmt.Errorf("%s: %w", s, err)
		}
		for i, value := range values {
			if value.Omitted {
				continue
			}
			at := int64(i) * t.Step * 1000
			if _, err := appender.Append(0, metric, at, value.Value); err != nil {
				return 0, fmt.Errorf("%s: %w", s, err)
			}
		}
	}
	return count, appender.Commit()
}

func (s scrape) load(appender storage.Appender) (int, error) {
	metrics := textparse.NewPromParser([]byte(s.Text), labels.NewSymbolTable(), false)
	count := 0
	for {
		entry, err := metrics.Next()
		if errors.Is(err, io.EOF) {
			return count, nil
		}
		if err != nil {
			return 0, err
		}
		if entry != textparse.EntrySeries {
			continue
		}
		var metric labels.Labels
		metrics.Labels(&metric)
		_, _, value := metrics.Series()
		builder := labels.NewBuilder(metric)
		for name, text := range s.Labels {
			builder.Set(name, text)
		}
		if _, err := appender.Append(0, builder.Labels(), s.At*1000, value); err != nil {
			return 0, fmt.Errorf("%s: %w", metric, err)
		}
		count++
	}
}

func instant(engine *promql.Engine, db *tsdb.DB, query string, at int64) ([]sample, error) {
	q, err := engine.NewInstantQuery(context.Background(), db, nil, query, time.Unix(at, 0))
	if err != nil {
		return nil, err
	}
	defer q.Close()
	vector, err := q.Exec(context.Background()).Vector()
	if err != nil {
		return nil, err
	}
	found := []sample{}
	for _, s := range vector {
		if math.IsNaN(s.F) {
			return nil, fmt.Errorf("%s is not a number", s.Metric)
		}
		found = append(found, sample{Labels: s.Metric.Map(), Value: s.F})
	}
	return found, nil
}

// fire evaluates all alerts from 0 to t.At.
func (t task) fire(engine *promql.Engine, db *tsdb.DB, log *slog.Logger) ([]alert, error) {
	groups, errs := rulefmt.Parse([]byte(t.Rules), false, model.UTF8Validation)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	query := rules.EngineQueryFunc(engine, db)
	firing := []alert{}
	for _, group := range groups.Groups {
		for _, r := range group.Rules {
			expr, err := parser.ParseExpr(r.Expr)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.Alert, err)
			}
			rule := rules.NewAlertingRule(r.Alert, expr, time.Duration(r.For), time.Duration(r.KeepFiringFor),
				labels.FromMap(r.Labels), labels.FromMap(r.Annotations), labels.EmptyLabels(), "", true, log)
			found, err := t.firstFiring(rule, query)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.Alert, err)
			}
			firing = append(firing, found...)
		}
	}
	return firing, nil
}

// firstFiring returns what fires at the first evaluation at which the rule does.
func (t task) firstFiring(rule *rules.AlertingRule, query rules.QueryFunc) ([]alert, error) {
	for at := int64(0); at <= t.At; at += t.Step {
		if _, err := rule.Eval(context.Background(), 0, time.Unix(at, 0), query, nil, 0); err != nil {
			return nil, err
		}
		var found []alert
		for _, active := range rule.ActiveAlerts() {
			if active.State == rules.StateFiring {
				found = append(found, alert{At: at, Labels: active.Labels.Map(), Annotations: active.Annotations.Map()})
			}
		}
		if len(found) > 0 {
			return found, nil
		}
	}
	return nil, nil
}
