// Rows of text as an aligned table for a terminal, whatever bytes are in them.
#ifndef TALLYBUS_APPS_TALLYBUS_TABLE_H_
#define TALLYBUS_APPS_TALLYBUS_TABLE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tallybus::cli {

// `text` as it can be shown on one line: control characters, bytes that are not UTF-8, and
// characters that turn the direction of writing become \n, \xff, \u202e. A backslash stays one:
// this is for eyes, --json for programs.
std::string Printable(std::string_view text);

// The columns of the terminal behind `fd`; 0: it is none, or does not tell.
size_t TerminalWidth(int fd);

class Table {
 public:
  // One title for each column; without any there is no head, and rows are as long as they are.
  explicit Table(std::vector<std::string> titles = {}) : titles_(std::move(titles)) {}

  // Cells beyond the titles are shown without one; missing ones are empty.
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  size_t rows() const { return rows_.size(); }

  // A line for each row, two spaces between columns, none at the end. Above `width` columns of the
  // terminal the widest cells are cut, down to kNarrowest, and end in an ellipsis; 0 cuts nothing.
  std::string Render(size_t width) const;

  static constexpr size_t kNarrowest = 8;

 private:
  std::vector<std::string> titles_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_TABLE_H_
