// Package terminal shows pictures and progress in a terminal: by kitty's
// graphics protocol or sixels where the terminal can, else by half-block
// characters in colour, and not at all where the output is no terminal.
//
//	screen := terminal.Detect(os.Stdout, os.Getenv)
//	rows, err := screen.Draw(w, img, 40, 20)
//
// Draw always fills whole lines and leaves the cursor at the start of the line
// below, so that Live can put the next frame over the last one.
package terminal
