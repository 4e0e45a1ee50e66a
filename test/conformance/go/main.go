// Command goverify checks a published Night Core log with code that is not Night Core's: the note and tlog packages that
// verify Go's own checksum database.
//
//	goverify [-from INDEX] VKEY PUBLIC-FOLDER [OLDER-CHECKPOINT]
//
// It opens the checkpoint with the verifier key, rebuilds the tree from the entry bundles, proves every entry through the
// tiles, and, given an older checkpoint, that the log has only grown since. With -from, for a log that was pruned below that
// minimum index, it reads no bundle and no tile of level 0 before it and proves the entries that follow. It prints one line
// and exits 0, or the first thing that is wrong and exits 1.
package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8 // of every tile of a tlog-tiles log

func main() {
	from := flag.Int64("from", 0, "minimum index of a pruned log, a multiple of 256")
	flag.Parse()
	args := flag.Args()
	if len(args) < 2 || *from%256 != 0 {
		fmt.Fprintln(os.Stderr, "usage: goverify [-from INDEX] VKEY PUBLIC-FOLDER [OLDER-CHECKPOINT]")
		os.Exit(2)
	}
	if err := run(args[0], args[1], *from, args[2:]); err != nil {
		fmt.Println("refused:", err)
		os.Exit(1)
	}
}

func run(vkey, folder string, from int64, older []string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(filepath.Join(folder, "checkpoint"), verifier)
	if err != nil {
		return err
	}
	entries, err := readEntries(folder, from, tree.N)
	if err != nil {
		return err
	}
	if from == 0 {
		if err := checkTree(entries, tree); err != nil {
			return err
		}
	}
	if err := checkProofs(entries, from, tree, folder); err != nil {
		return err
	}
	for _, path := range older {
		if err := checkGrowth(path, verifier, tree, folder); err != nil {
			return err
		}
	}
	fmt.Printf("verified: %d entries from %d on, root %v\n", tree.N, from, tree.Hash)
	return nil
}

// openCheckpoint verifies the note's signature and reads its first three lines: origin, size, root.
func openCheckpoint(path string, verifier note.Verifier) (tlog.Tree, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("checkpoint: %w", err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("checkpoint: not of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, errors.New("checkpoint: malformed size")
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// readEntries reads the bundles that the size demands, from an index on: 256 entries each, every one after its length in two bytes.
func readEntries(folder string, from, size int64) ([][]byte, error) {
	var entries [][]byte
	for n := from / 256; n*256 < size; n++ {
		width := size - n*256
		if width > 256 {
			width = 256
		}
		path := "tile/entries" + strings.TrimPrefix(tlog.Tile{H: height, L: 0, N: n, W: int(width)}.Path(), "tile/8/0")
		bundle, err := os.ReadFile(filepath.Join(folder, path))
		if err != nil {
			return nil, err
		}
		for i := int64(0); i < width; i++ {
			if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
				return nil, fmt.Errorf("%s: cut at entry %d", path, i)
			}
			length := int(binary.BigEndian.Uint16(bundle))
			entries = append(entries, bundle[2:2+length])
			bundle = bundle[2+length:]
		}
		if len(bundle) != 0 {
			return nil, fmt.Errorf("%s: %d bytes too many", path, len(bundle))
		}
	}
	return entries, nil
}

// checkTree computes the root over all entries and compares it with the signed one.
func checkTree(entries [][]byte, tree tlog.Tree) error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	for n, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(n), entry, reader)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return fmt.Errorf("the entries give the root %v, and the checkpoint says %v", root, tree.Hash)
	}
	return nil
}

// checkProofs proves each entry from the tiles alone; the reader authenticates every tile against the root.
func checkProofs(entries [][]byte, from int64, tree tlog.Tree, folder string) error {
	reader := tlog.TileHashReader(tree, tiles(folder))
	for i, entry := range entries {
		n := from + int64(i)
		proof, err := tlog.ProveRecord(tree.N, n, reader)
		if err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, tlog.RecordHash(entry)); err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
	}
	return nil
}

// checkGrowth proves that the tree of an older checkpoint is the beginning of this one.
func checkGrowth(path string, verifier note.Verifier, tree tlog.Tree, folder string) error {
	older, err := openCheckpoint(path, verifier)
	if err != nil {
		return err
	}
	if older.N > tree.N {
		return fmt.Errorf("the log has %d entries, and had %d", tree.N, older.N)
	}
	proof, err := tlog.ProveTree(tree.N, older.N, tlog.TileHashReader(tree, tiles(folder)))
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash); err != nil {
		return fmt.Errorf("the log is not what it was at %d entries: %w", older.N, err)
	}
	return nil
}

// tiles reads tiles from a folder; tlog-tiles paths lack the height that sumdb's have.
type tiles string

func (folder tiles) Height() int { return height }

func (folder tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (folder tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(wanted))
	for i, tile := range wanted {
		path := "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
		bytes, err := os.ReadFile(filepath.Join(string(folder), path))
		if err != nil {
			return nil, err
		}
		data[i] = bytes
	}
	return data, nil
}
