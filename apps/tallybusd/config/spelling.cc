// What could have been meant: the nearest of some known words.
#include "spelling.h"

#include <algorithm>
#include <numeric>

namespace tallybus::config {
namespace {

// Longer words are nobody's typing mistake, and the distance costs the product of the lengths.
constexpr size_t kLongestWord = 64;

}  // namespace

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::string Suggest(std::string_view word, const std::vector<std::string_view>& known) {
  std::string_view nearest;
  size_t least = kLongestWord;
  std::string list;
  for (const std::string_view candidate : known) {
    list += (list.empty() ? "" : ", ");
    list += candidate;
    if (word.size() > kLongestWord) continue;
    const size_t distance = EditDistance(word, candidate);
    if (distance < least && distance * 3 <= std::max(word.size(), candidate.size())) {
      least = distance;
      nearest = candidate;
    }
  }
  if (nearest.empty()) return "known: " + list;
  return "did you mean \"" + std::string(nearest) + "\"?";
}

}  // namespace tallybus::config
