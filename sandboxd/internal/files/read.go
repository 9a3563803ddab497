package files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"unicode/utf8"
)

// Open opens a regular file for reading; folders, pipes and devices are refused instead of waited for.
func (s Store) Open(path, operation string) (*os.File, os.FileInfo, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, wrap(path, operation, err)
	}
	stat, err := file.Stat()
	if err == nil && stat.IsDir() {
		err = refuse(path, operation, syscall.EISDIR)
	} else if err == nil && !stat.Mode().IsRegular() {
		err = problem(path, operation, "invalid_target", fmt.Sprintf("%s is not a regular file", path))
	}
	if err != nil {
		file.Close()
		return nil, nil, wrap(path, operation, err)
	}
	return file, stat, nil
}

// Read returns the text of a file, or of its lines from start on, end not included. Nil means from or to its limits.
func (s Store) Read(path string, start, end *int64) (string, error) {
	file, _, err := s.Open(path, "read")
	if err != nil {
		return "", err
	}
	defer file.Close()
	var content []byte
	limit := s.Settings.MaxRead
	if start == nil && end == nil {
		content, err = io.ReadAll(io.LimitReader(file, limit+1))
	} else {
		content, err = lines(bufio.NewReaderSize(file, 64<<10), start, end, limit)
	}
	if err != nil {
		return "", wrap(path, "read", err)
	}
	if int64(len(content)) > limit {
		return "", problem(path, "read", "too_large", fmt.Sprintf(
			"%s has more than %d bytes to return; ask for fewer lines with start_line and end_line, or use /v1/file/download",
			path, limit))
	}
	if !utf8.Valid(content) {
		return "", problem(path, "read", "decode_error", fmt.Sprintf(
			"%s is not valid UTF-8 text (first bad byte at %d); use /v1/file/download for binary files", path, badByte(content)))
	}
	return string(content), nil
}

func lines(reader *bufio.Reader, start, end *int64, limit int64) ([]byte, error) {
	var from, out = int64(0), bytes.Buffer{}
	if start != nil {
		from = *start
	}
	for number := int64(0); end == nil || number < *end; {
		part, err := reader.ReadSlice('\n')
		if number >= from {
			out.Write(part)
		}
		if int64(out.Len()) > limit || errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			number++
		} else if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func badByte(content []byte) int {
	for i := 0; i < len(content); {
		r, size := utf8.DecodeRune(content[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(content)
}
