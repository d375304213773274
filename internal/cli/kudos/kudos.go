// Package kudos is the commands that make and judge the network that prices images:
// kudos train and kudos eval.
package kudos

import (
	"fmt"
	"io"
	"time"

	"horde/internal/catalog"
	"horde/internal/cli/console"
	"horde/internal/kudos"
	"horde/internal/kudos/training"
)

// Cmd trains and evaluates price networks.
type Cmd struct {
	Train TrainCmd `cmd:"" help:"Train a price network on jobs and their durations."`
	Eval  EvalCmd  `cmd:"" help:"Compare the prices of a network with those in a file."`
}

// Help shows examples.
func (Cmd) Help() string {
	return `Examples:
  horde kudos train --data jobs.csv.gz --out net.bin
  horde kudos eval --data jobs.csv.gz --net net.bin --unseen`
}

// TrainCmd trains a net.
type TrainCmd struct {
	JobsFlags
	Compare  string  `placeholder:"OLD.bin" help:"Show what would change for a horde that now uses this net (\"built-in\": the one in this program)."`
	Out      string  `default:"net.bin" placeholder:"FILE" help:"File to write the net to (${default})."`
	Plot     string  `placeholder:"FILE" help:"File to plot the loss to (default: that of --out, ending in .png)."`
	Name     string  `placeholder:"NAME" help:"What price breakdowns call the net (default: the name of --out)."`
	Recorded string  `placeholder:"FILE" help:"Prices that another horde gave, JSON lines: the effect of denoising strengths is learned from these alone."`
	Models   string  `env:"HORDE_MODEL_REFERENCE_IMAGES" placeholder:"FILE|URL" help:"Model reference with the baselines of the models of --recorded (default: the built-in list)."`
	Comment  string  `placeholder:"TEXT" help:"What the jobs are, for the net's model card."`
	Seed     uint64  `default:"1" help:"The same seed, data and flags make the same net (${default})."`
	Epochs   int     `default:"300" help:"Passes over all jobs (${default})."`
	Hidden   []int   `default:"160,160,160" placeholder:"N,…" help:"Units of each hidden layer (${default})."`
	Rate     float64 `default:"0.003" help:"Highest learning rate (${default})."`
	Decay    float64 `default:"0.03" help:"Weight decay (${default})."`
	HeldOut  float64 `default:"0.05" placeholder:"SHARE" help:"Share of the jobs that is held out for evaluation (${default})."`
}

// Help describes the data and shows an example.
func (TrainCmd) Help() string {
	return `The file has a header and the columns width, height, steps, cfg_scale, sampler_name, karras, hires_fix, source_processing,
source_image, source_mask, denoising_strength, control_type, control_strength, post_processing (names joined by "|") and seconds.
With kudos_basis11, the price where the basis job is worth 11, the net also learns what the basis job takes. Lines that cannot be read are left out and reported, unless they are more than one in ten.

A server records the parameters of finished images and how long they took (unless HORDE_KUDOS_RECORD=off). --from-db and --data-dir learn from that: images of batches, with LoRAs, of machines that are hardly known and at impossible speeds are left out, and the times of all machines are scaled to one pace, measured by the net of --compare or the one in this program. With --data as well, the net learns from both.

A horde uses the net only once it is started with --kudos-net.

Examples:
  horde kudos train --data jobs.csv.gz --out net.bin
  horde kudos train --data-dir /var/lib/horde --compare built-in --out net.bin
  horde kudos train --from-db postgres://horde@db/horde --data jobs.csv.gz --compare old.bin --out new.bin
  horde kudos train --data jobs.csv --out small.bin --seed 7 --epochs 50 --hidden 64,64`
}

// Run trains the net, writes it and plots the loss.
func (c *TrainCmd) Run(con *console.Console) error {
	c.complete()
	if err := c.writable(); err != nil {
		return err
	}

	old, err := oldNet(c.Compare)
	if err != nil {
		return err
	}
	jobs, err := c.read(con, old)
	if err != nil {
		return err
	}

	denoised, err := c.recordedPrices(con, training.BasisSeconds(jobs))
	if err != nil {
		return err
	}
	if denoised != nil {
		jobs = training.WithoutDenoising(jobs)
	}

	result, err := c.train(con, jobs, denoised)
	if err != nil {
		return err
	}
	if err := c.write(con, result); err != nil {
		return err
	}

	card := result.Net.Card()
	score := training.Score{Accuracy: card.Accuracy, Worst: card.Worst}
	if err := printScore(con.Stdout, score); err != nil || c.Compare == "" {
		return err
	}

	if !c.denoisingCounts(old, jobs) {
		jobs = training.WithoutDenoising(jobs)
	}
	return printComparison(con.Stdout, old, result.Net, unseen(jobs, card))
}

// train trains the net, shows the progress and reports the result. denoised are jobs
// that denoising strengths are learned from; nil: those are in jobs.
func (c *TrainCmd) train(con *console.Console, jobs, denoised []training.Job) (*training.Result, error) {
	shown := console.NewProgress(con, 20)
	result, err := training.Train(con.Ctx, jobs, training.Config{
		Name:    c.Name,
		Comment: c.Comment,
		Seed:    c.Seed,
		Epochs:  c.Epochs,
		Hidden:  c.Hidden,
		Rate:    c.Rate,
		Decay:   c.Decay,
		HeldOut: c.HeldOut,
		Progress: func(e training.Epoch) {
			shown.Show(float64(e.Number)/float64(e.Of), fmt.Sprintf(
				"epoch %d/%d  loss %.4f  held out %.4f  accuracy %.4f  worst percentile %.4f",
				e.Number, e.Of, e.Loss, e.Held, e.Score.Accuracy, e.Score.Worst))
		},
	})
	shown.Clear()
	if err != nil {
		return nil, err
	}

	if denoised != nil {
		if result.Net, err = c.fitDenoising(con, result.Net, denoised); err != nil {
			return nil, err
		}
	}

	card := result.Net.Card()
	fmt.Fprintf(con.Stderr, "%d jobs to train on, %d held out, %d skipped (names too rare to be learned), %v\n",
		card.TrainRows, card.HeldOutN, result.Skipped, time.Since(shown.Began).Round(time.Second))
	return result, nil
}

// builtIn is the name of the net in the program on the command line.
const builtIn = "built-in"

// oldNet reads the net of --compare; the one in the program without it.
func oldNet(path string) (*kudos.Net, error) {
	if path == builtIn {
		path = ""
	}
	return openNet(path)
}

// denoisingCounts finds out, with a net that may know the effect of denoising
// strengths, whether the durations and prices of jobs depend on theirs. In a file they
// may not; those that a server recorded always do.
func (f *JobsFlags) denoisingCounts(net *kudos.Net, jobs []training.Job) bool {
	return f.FromDB != "" || f.DataDir != "" || training.DenoisingCounts(kudos.NewPricer(net), jobs)
}

// unseen are the jobs that a net's training held out.
func unseen(jobs []training.Job, card kudos.Card) (kept []training.Job) {
	for i := range jobs {
		if training.Split(&jobs[i], card.Seed, card.HeldOut) {
			kept = append(kept, jobs[i])
		}
	}
	return kept
}

// recordedPrices reads the prices of --recorded as jobs; nil without the flag. basis is
// how many seconds the basis job takes.
func (c *TrainCmd) recordedPrices(con *console.Console, basis float64) ([]training.Job, error) {
	if c.Recorded == "" {
		return nil, nil
	}
	if basis == 0 {
		return nil, console.UsageError("--recorded needs the columns seconds and kudos_basis11 in --data, " +
			"to know what a recorded price is in seconds")
	}
	recorded, err := training.ReadRecorded(c.Recorded)
	if err != nil {
		return nil, console.UsageError("--recorded: %w", err)
	}

	models, err := catalog.New(catalog.Config{Images: c.Models, Log: con.Log})
	if err != nil {
		return nil, err
	}
	if err := models.Refresh(con.Ctx); err != nil {
		return nil, err
	}

	jobs := []training.Job{}
	for i := range recorded {
		if r := &recorded[i]; r.Network {
			jobs = append(jobs, r.Job(models.Snapshot().Baseline(r.Model), basis))
		}
	}
	return jobs, nil
}

// fitDenoising learns the effect of the denoising strength from recorded prices.
func (c *TrainCmd) fitDenoising(con *console.Console, net *kudos.Net, jobs []training.Job) (*kudos.Net, error) {
	net, score, err := training.FitDenoising(net, jobs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Recorded, err)
	}
	fmt.Fprintf(con.Stderr, "denoising learned from %d recorded prices; "+
		"each predicted with accuracy %.4f on average while left out, the worst with %.4f\n",
		score.Jobs, score.Accuracy, score.Least)
	return net, nil
}

func printScore(w io.Writer, s training.Score) error {
	_, err := fmt.Fprintf(w, "accuracy %.4f\nworst percentile %.4f\n", s.Accuracy, s.Worst)
	return err
}

// EvalCmd evaluates a net.
type EvalCmd struct {
	JobsFlags
	Compare   string `placeholder:"OLD.bin" help:"Show what would change for a horde that now uses this net (\"built-in\": the one in this program)."`
	Net       string `placeholder:"FILE" help:"Net to evaluate (default: the one in this program)."`
	Denoising string `default:"auto" enum:"auto,counts,ignored" help:"Whether the prices in the file depend on its denoising strengths: counts, ignored or auto, which finds out (${default})."`
	Unseen    bool   `help:"Only jobs that the net's training held out (of the file it was trained on)."`
}

// Help says what is printed and shows examples.
func (EvalCmd) Help() string {
	return `Prints the mean of 1 - |a-p| / max(a,p) over all jobs, a the price in the file and p the net's, and the accuracy that 99 of 100 jobs reach.
Jobs with names that the net does not know are priced by the fixed formula, as they are in service. A file needs the column kudos_basis11; lines that cannot be read are left out and reported, unless they are more than one in ten. --from-db and --data-dir use what a server recorded, like "horde kudos train"; the pace is then measured by the net of --compare.

Examples:
  horde kudos eval --data jobs.csv.gz
  horde kudos eval --data jobs.csv.gz --net net.bin --unseen
  horde kudos eval --data-dir /var/lib/horde --net net.bin --compare built-in`
}

// Run prints the accuracy.
func (c *EvalCmd) Run(con *console.Console) error {
	net, err := openNet(c.Net)
	if err != nil {
		return err
	}
	old, err := oldNet(c.Compare)
	if err != nil {
		return err
	}
	jobs, err := c.read(con, old)
	if err != nil {
		return err
	}

	card := net.Card()
	if c.Unseen {
		jobs = unseen(jobs, card)
	}

	ignored := c.Denoising == "ignored"
	if c.Denoising == "auto" {
		ignored = !c.denoisingCounts(net, jobs) || !c.denoisingCounts(old, jobs)
	}
	if ignored {
		fmt.Fprintln(con.Stderr, "the prices in the file do not depend on its denoising strengths (--denoising)")
		jobs = training.WithoutDenoising(jobs)
	}

	score, err := training.Evaluate(kudos.NewPricer(net), jobs)
	if err != nil {
		return err
	}

	fmt.Fprintf(con.Stderr, "net %s, %d jobs, %d of them by the fixed formula; "+
		"worst job %.4f, mean of the worst hundredth %.4f\n",
		card.Name, score.Jobs, score.Formula, score.Least, score.Tail)
	if err := printScore(con.Stdout, score); err != nil || c.Compare == "" {
		return err
	}
	return printComparison(con.Stdout, old, net, jobs)
}
