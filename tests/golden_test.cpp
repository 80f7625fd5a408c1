// One file of hashes that every backend on every architecture meets: x86-64 and aarch64 are compared with each other
// through it, and today's library with tomorrow's. A hash that changes is a change of the contract: raise
// rectify_numerics_version(), say so in CHANGELOG.md, and write the file anew with
//     RECTIFY_WRITE_GOLDEN=tests/golden_hashes.txt golden_test
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iomanip>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/inputs.hpp"
#include "tests/support/on_each_format.hpp"
#include "tests/support/operations.hpp"
#include "tests/support/same_bits.hpp"
#include "tests/support/special_values.hpp"

namespace rectify::tests {
namespace {

// FNV-1a, 64 bits, over the bytes of the values' bits, lowest first; every NaN is one.
template <AnyNumber T>
uint64_t hash(const std::vector<T>& values) {
  uint64_t result = 0xcbf29ce484222325u;
  for (const T value : values) {
    const uint64_t bits = canonical_bits(value);
    for (uint32_t shift = 0; shift < 8 * sizeof(T); shift += 8) result = (result ^ (bits >> shift & 0xff)) * 0x100000001b3u;
  }
  return result;
}

// Every sign and exponent with mantissas spread over their range (of 16 bits: all there are), the special values, and what
// a layer sees.
template <AnyNumber T>
std::vector<T> golden_inputs() {
  std::vector<T> inputs = special_values<T>();
  if constexpr (is_sixteen_bit<T>) {
    for (uint32_t bits = 0; bits < 0x10000; ++bits) inputs.push_back(from_bits<T>(static_cast<uint16_t>(bits)));
    return inputs;
  } else {
    constexpr int mantissa = Number<T>::precision - 1;
    constexpr uint32_t exponents = 1u << (8 * static_cast<int>(sizeof(T)) - mantissa);
    for (uint32_t exponent = 0; exponent < exponents; ++exponent) {
      for (uint32_t i = 0; i < 64; ++i) {
        const BitsOf<T> digits = scrambled(exponent * 64 + i) >> 9;
        inputs.push_back(from_bits<T>(BitsOf<T>{exponent} << mantissa | digits << (mantissa - 23)));
      }
    }
    for (const T value : ordinary_values<T>(4096, 1, 4.0f)) inputs.push_back(value);
    for (const T value : ordinary_values<T>(4096, 2, 128.0f)) inputs.push_back(value);
    return inputs;
  }
}

// Gradients to go with them: ordinary ones, and now and then a special one.
template <AnyNumber T>
std::vector<T> golden_gradients(size_t count) {
  std::vector<T> gradients = ordinary_values<T>(count, 3);
  const std::vector<T> specials = special_values<T>();
  for (size_t i = 0; i < count; i += 7) gradients[i] = specials[i / 7 % specials.size()];
  return gradients;
}

// What the lines of a format begin with.
template <class Format>
std::string line_prefix() {
  const std::string name = Format::name;
  return name == "f32" ? "" : name + " ";
}

using Hashes = std::map<std::string, uint64_t>;

template <class Format>
void add_maps(Hashes& hashes, const rectify_options& options) {
  using Element = typename Format::Element;
  const std::vector<Element> x = golden_inputs<Element>(), dy = golden_gradients<Element>(x.size());
  for (const Operation& operation : all_operations<Format>()) {
    std::vector<Element> out(x.size());
    EXPECT_EQ(operation.call(x.size(), x.data(), dy.data(), out.data(), &options), RECTIFY_OK) << operation;
    std::ostringstream name;
    name << line_prefix<Format>() << operation.name << ' ' << std::setprecision(17) << operation.parameter;
    EXPECT_TRUE(hashes.emplace(name.str(), hash(out)).second) << name.str() << " stands for two operations";
  }
}

template <class Format>
void add_sums(Hashes& hashes, const rectify_options& options) {
  using Element = typename Format::Element;
  using Slope = typename Format::Slope;
  for (const rectify_shape shape : {rectify_shape{1, 1, 1},
                                    {1, 1, 70},
                                    {1, 1, 4097},
                                    {1, 1, 100003},
                                    {3, 5, 49},
                                    {7, 3, 784},
                                    {5, 2, 4500},
                                    {2, 3, 12544},
                                    {37, 19, 1},
                                    {130, 64, 1},
                                    {1000, 3, 1},
                                    {67, 1025, 1},
                                    {3, 10007, 1}}) {
    const size_t n = shape.outer * shape.channels * shape.inner;
    const std::vector<Element> x = ordinary_values<Element>(n, 4, 4.0f), dy = ordinary_values<Element>(n, 5);
    const std::vector<Slope> slope = ordinary_values<Slope>(shape.channels, 6);
    std::ostringstream layout;
    layout << " {" << shape.outer << ", " << shape.channels << ", " << shape.inner << '}';
    const auto add = [&](const char* name, uint64_t value) { hashes[line_prefix<Format>() + name + layout.str()] = value; };

    std::vector<Element> out(n);
    std::vector<Slope> dslope(shape.channels);
    EXPECT_EQ(
        rectify_prelu_forward(Format::dtype, Format::slope_dtype, shape, x.data(), slope.data(), out.data(), &options),
        RECTIFY_OK);
    add("prelu_forward y", hash(out));
    EXPECT_EQ(rectify_prelu_backward(Format::dtype, Format::slope_dtype, shape, x.data(), slope.data(), dy.data(),
                                     out.data(), dslope.data(), &options),
              RECTIFY_OK);
    add("prelu_backward dx", hash(out));
    add("prelu_backward dslope", hash(dslope));

    if (!Format::has_scalar_slopes) continue;
    std::vector<typename Format::Scalar> dalpha(1);
    EXPECT_EQ(rectify_elu_backward(Format::dtype, n, 0.5, x.data(), dy.data(), out.data(), dalpha.data(), &options),
              RECTIFY_OK);
    add("elu_backward dalpha", hash(dalpha));
  }
}

// Of one format; the number of the contract itself goes with f32.
template <class Format>
Hashes computed_hashes(const rectify_options& options) {
  Hashes hashes;
  if (line_prefix<Format>().empty()) hashes["numerics version"] = static_cast<uint64_t>(rectify_numerics_version());
  add_maps<Format>(hashes, options);
  add_sums<Format>(hashes, options);
  return hashes;
}

// Lines of a hash in hexadecimal digits, a space and a name.
Hashes committed_hashes() {
  Hashes hashes;
  const char* const elsewhere = std::getenv("RECTIFY_GOLDEN_HASHES");  // on a machine that did not build this
  const char* const path = elsewhere == nullptr ? RECTIFY_GOLDEN_HASHES : elsewhere;
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  uint64_t value;
  std::string name;
  while (file >> std::hex >> value && std::getline(file >> std::ws, name)) {
    EXPECT_TRUE(hashes.emplace(name, value).second) << name << " stands there twice";
  }
  EXPECT_TRUE(file.eof()) << "after " << hashes.size() << " lines there is one that cannot be read";
  return hashes;
}

void write(const Hashes& hashes, const char* path) {
  std::ofstream file(path);
  for (const auto& [name, value] : hashes)
    file << std::hex << std::setfill('0') << std::setw(16) << value << ' ' << name << '\n';
  ASSERT_TRUE(file.flush()) << path;
}

class Golden : public OnEachFormat {
 public:
  template <class Format>
  static constexpr bool takes_in_emulator = true;
};

const char* file_to_write() { return std::getenv("RECTIFY_WRITE_GOLDEN"); }

RECTIFY_ON_EACH_FORMAT(Golden, Hashes) {
  if (file_to_write()) GTEST_SKIP() << "the file is being written";
  const Hashes committed = committed_hashes();
  for (const auto& [name, value] : computed_hashes<Format>(options)) {
    const auto found = committed.find(name);
    ASSERT_NE(found, committed.end()) << name << " is not in the file";
    EXPECT_EQ(found->second, value) << name;
  }
}

// Nothing stands in the file but what is computed. Or it is written here.
TEST(GoldenFile, IsComplete) {
  const rectify_options scalar = options_for(scalar_backend);
  Hashes computed;
  for_each_format([&]<class Format>() { computed.merge(computed_hashes<Format>(scalar)); });
  if (file_to_write()) return write(computed, file_to_write());
  EXPECT_EQ(committed_hashes(), computed);
}

}  // namespace
}  // namespace rectify::tests
