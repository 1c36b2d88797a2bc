// Checks a folder of a transparency log with packages of the Go project that know nothing of this ledger:
//
//	check FOLDER VERIFIER_KEY
//
// The folder has `checkpoint`, `checkpoints/<size>` and tiles as an audit bundle has them, and besides
// `proof`, a tlog-proof, and `consistency.json`, as the ledger answers for them.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8 // of a tile: 256 hashes

// folder reads tiles, whose paths lack the height that Go's have.
type folder string

func (f folder) Height() int { return height }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(f.path(tile))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (f folder) path(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	return filepath.Join(string(f), "tile", strings.Replace(path, "data/", "entries/", 1))
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func read(parts ...string) []byte {
	data, err := os.ReadFile(filepath.Join(parts...))
	must(err)
	return data
}

// open returns the tree of a checkpoint that the key has signed.
func open(signed []byte, key string) tlog.Tree {
	verifier, err := note.NewVerifier(key)
	must(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	must(err)
	origin, rest, _ := strings.Cut(opened.Text, "\n")
	if origin != verifier.Name() {
		must(fmt.Errorf("a checkpoint of %s", origin))
	}
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest)) // its own first line is always that
	must(err)
	return tree
}

func hashes(lines []string) []tlog.Hash {
	var all []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		must(err)
		all = append(all, hash)
	}
	return all
}

// entries returns those of one file, each of which comes after its length.
func entries(data []byte) [][]byte {
	var all [][]byte
	for len(data) > 0 {
		length := int(binary.BigEndian.Uint16(data))
		all, data = append(all, data[2:2+length]), data[2+length:]
	}
	return all
}

func main() {
	base, key := folder(os.Args[1]), os.Args[2]
	tree := open(read(string(base), "checkpoint"), key)
	reader := tlog.TileHashReader(tree, base)

	// Each entry hashes to what the signed root says. Whoever reads a hash has its tiles checked.
	var leaves []tlog.Hash
	for first := int64(0); first < tree.N; first += 1 << height {
		tile := tlog.Tile{H: height, L: -1, N: first >> height, W: 1 << height}
		if rest := tree.N - first; rest < 1<<height {
			tile.W = int(rest)
		}
		for _, entry := range entries(read(base.path(tile))) {
			leaves = append(leaves, tlog.RecordHash(entry))
		}
	}
	if int64(len(leaves)) != tree.N {
		must(fmt.Errorf("%d entries in a tree of %d", len(leaves), tree.N))
	}
	var indexes []int64
	for n := range leaves {
		indexes = append(indexes, tlog.StoredHashIndex(0, int64(n)))
	}
	signed, err := reader.ReadHashes(indexes)
	must(err)
	for n := range leaves {
		if leaves[n] != signed[n] {
			must(fmt.Errorf("entry %d is not what was signed", n))
		}
	}

	// The inclusion proof holds, and is the one that Go makes.
	head, checkpoint, _ := strings.Cut(string(read(string(base), "proof")), "\n\n")
	lines := strings.Split(head, "\n")
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	must(err)
	within := open([]byte(checkpoint), key)
	inclusion := tlog.RecordProof(hashes(lines[2:]))
	must(tlog.CheckRecord(inclusion, within.N, within.Hash, index, leaves[index]))
	own, err := tlog.ProveRecord(within.N, index, reader)
	must(err)
	same(own, inclusion)

	// The consistency proof holds, and is the one that Go makes.
	var answer struct {
		From, To int64
		Hashes   []string
	}
	must(json.Unmarshal(read(string(base), "consistency.json"), &answer))
	old := open(read(string(base), "checkpoints", strconv.FormatInt(answer.From, 10)), key)
	consistency := tlog.TreeProof(hashes(answer.Hashes))
	must(tlog.CheckTree(consistency, tree.N, tree.Hash, old.N, old.Hash))
	mine, err := tlog.ProveTree(tree.N, old.N, reader)
	must(err)
	same(mine, consistency)

	fmt.Printf("%d entries, entry %d and %d -> %d as signed, root %s\n", tree.N, index, old.N, tree.N,
		base64.StdEncoding.EncodeToString(tree.Hash[:]))
}

func same(one, other []tlog.Hash) {
	if fmt.Sprint(one) != fmt.Sprint(other) {
		must(fmt.Errorf("another proof than Go's"))
	}
}
