// Package terminal shows images and progress in a terminal: with kitty's graphics
// protocol or sixels where the terminal supports them, else with coloured half-block
// characters, and not at all where the output is not a terminal.
//
//	screen := terminal.Detect(os.Stdout, os.Getenv)
//	rows, err := screen.Draw(w, img, 40, 20)
//
// Draw always fills whole lines and leaves the cursor at the start of the line
// below, so that Live can draw the next frame over the last one.
package terminal
