// Widths by the C library's tables for UTF-8, which know wide and combining characters.
#include "apps/tallybus/table.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <wchar.h>
#include <wctype.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace tallybus::cli {
namespace {

constexpr size_t kGap = 2;  // spaces between columns
constexpr char kEllipsis[] = "\xe2\x80\xa6";

// This thread reads UTF-8 while it lives, whatever its environment says. Where the C library has no
// such locale, what is not ASCII is shown as its bytes.
class Utf8Locale {
 public:
  Utf8Locale() : locale_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (locale_ != nullptr) before_ = uselocale(locale_);
  }
  ~Utf8Locale() {
    if (locale_ == nullptr) return;
    uselocale(before_);
    freelocale(locale_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t locale_;
  locale_t before_ = nullptr;
};

struct Character {
  wchar_t code = 0;
  size_t bytes = 1;
  bool is_valid = false;
};

// The first one of `text`, which is not empty. [under Utf8Locale]
Character FirstOf(std::string_view text) {
  Character character;
  mbstate_t state{};
  const size_t bytes = mbrtowc(&character.code, text.data(), text.size(), &state);
  character.is_valid = bytes <= text.size();  // the errors are the largest numbers
  if (character.is_valid) character.bytes = std::max<size_t>(bytes, 1);
  return character;
}

// Marks and overrides of the direction of writing: they would reorder what stands around them.
bool TurnsDirection(wchar_t code) {
  return code == 0x061C || (code >= 0x200E && code <= 0x200F) ||
         (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

std::string Escaped(std::string_view bytes, const Character& character) {
  if (!character.is_valid) return absl::StrFormat("\\x%02x", static_cast<unsigned char>(bytes[0]));
  if (character.code == '\n') return "\\n";
  if (character.code == '\r') return "\\r";
  if (character.code == '\t') return "\\t";
  if (character.code < 0x80) return absl::StrFormat("\\x%02x", static_cast<int>(character.code));
  return absl::StrFormat("\\u%04x", static_cast<unsigned>(character.code));
}

// Columns of the terminal. [under Utf8Locale] `text` is printable.
size_t ColumnsOf(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    const Character character = FirstOf(text);
    columns += static_cast<size_t>(std::max(wcwidth(character.code), 0));
    text.remove_prefix(character.bytes);
  }
  return columns;
}

// The beginning of `text` in at most `columns`, an ellipsis included where it is cut.
std::string Cut(std::string_view text, size_t columns) {
  if (ColumnsOf(text) <= columns) return std::string(text);
  std::string cut;
  for (size_t used = 0; !text.empty();) {
    const Character character = FirstOf(text);
    used += static_cast<size_t>(std::max(wcwidth(character.code), 0));
    if (used + 1 > columns) break;
    cut += text.substr(0, character.bytes);
    text.remove_prefix(character.bytes);
  }
  return cut + kEllipsis;
}

using Rows = std::vector<std::vector<std::string>>;

std::vector<size_t> WidthsOf(const Rows& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    if (widths.size() < row.size()) widths.resize(row.size());
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], ColumnsOf(row[i]));
  }
  return widths;
}

// Takes from the widest until all fit, or none may become narrower.
void Narrow(size_t width, std::vector<size_t>& widths) {
  for (size_t& column : widths) column = std::min(column, std::max(width, Table::kNarrowest));
  const size_t gaps = widths.empty() ? 0 : (widths.size() - 1) * kGap;
  size_t total = std::accumulate(widths.begin(), widths.end(), gaps);
  while (total > width) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= Table::kNarrowest) return;
    --*widest;
    --total;
  }
}

std::string LineOf(const std::vector<std::string>& row, const std::vector<size_t>& widths) {
  std::string line;
  size_t owed = 0;  // spaces before the next cell that has something to show
  for (size_t i = 0; i < row.size(); ++i) {
    const std::string cell = Cut(row[i], widths[i]);
    if (!cell.empty()) {
      absl::StrAppend(&line, std::string(owed, ' '), cell);
      owed = 0;
    }
    owed += widths[i] - std::min(widths[i], ColumnsOf(cell)) + kGap;
  }
  return line + "\n";
}

}  // namespace

std::string Printable(std::string_view text) {
  const Utf8Locale locale;
  std::string shown;
  while (!text.empty()) {
    const Character character = FirstOf(text);
    const bool plain = character.is_valid && iswprint(static_cast<wint_t>(character.code)) != 0 &&
                       !TurnsDirection(character.code);
    shown += plain ? std::string(text.substr(0, character.bytes)) : Escaped(text, character);
    text.remove_prefix(character.bytes);
  }
  return shown;
}

size_t TerminalWidth(int fd) {
  winsize size{};
  return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

std::string Table::Render(size_t width) const {
  Rows rows;
  if (!titles_.empty()) rows.push_back(titles_);
  rows.insert(rows.end(), rows_.begin(), rows_.end());
  for (auto& row : rows) {
    for (std::string& cell : row) cell = Printable(cell);
  }
  const Utf8Locale locale;
  std::vector<size_t> widths = WidthsOf(rows);
  if (width > 0) Narrow(width, widths);
  std::string text;
  for (const auto& row : rows) text += LineOf(row, widths);
  return text;
}

}  // namespace tallybus::cli
