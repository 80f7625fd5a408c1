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

#include "tests/support/backends.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/operations.hpp"
#include "tests/support/same_bits.hpp"
#include "tests/support/special_values.hpp"

namespace rectify::tests {
namespace {

using Values = std::vector<float>;

// FNV-1a, 64 bits, over the bytes of the values' bits, lowest first; every NaN is one.
uint64_t hash(const Values& values) {
  uint64_t result = 0xcbf29ce484222325u;
  for (const float value : values) {
    const uint32_t bits = canonical_bits(value);
    for (uint32_t shift = 0; shift < 32; shift += 8) result = (result ^ (bits >> shift & 0xff)) * 0x100000001b3u;
  }
  return result;
}

// Every sign and exponent with mantissas spread over their range, the special values, and what a layer sees.
Values golden_inputs() {
  Values inputs = special_values();
  for (uint32_t exponent = 0; exponent < 512; ++exponent) {
    for (uint32_t i = 0; i < 64; ++i) inputs.push_back(float_of(exponent << 23 | scrambled(exponent * 64 + i) >> 9));
  }
  for (const float value : ordinary_values(4096, 1, 4.0f)) inputs.push_back(value);
  for (const float value : ordinary_values(4096, 2, 128.0f)) inputs.push_back(value);
  return inputs;
}

// Gradients to go with them: ordinary ones, and now and then a special one.
Values golden_gradients(size_t count) {
  Values gradients = ordinary_values(count, 3);
  const Values specials = special_values();
  for (size_t i = 0; i < count; i += 7) gradients[i] = specials[i / 7 % specials.size()];
  return gradients;
}

using Hashes = std::map<std::string, uint64_t>;

void add_maps(Hashes& hashes, const rectify_options& options) {
  const Values x = golden_inputs(), dy = golden_gradients(x.size());
  for (const Operation& operation : all_operations()) {
    Values out(x.size());
    EXPECT_EQ(operation.call(x.size(), x.data(), dy.data(), out.data(), &options), RECTIFY_OK) << operation;
    std::ostringstream name;
    name << operation.name << ' ' << std::setprecision(17) << operation.parameter;
    EXPECT_TRUE(hashes.emplace(name.str(), hash(out)).second) << name.str() << " stands for two operations";
  }
}

void add_sums(Hashes& hashes, const rectify_options& options) {
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
    const Values x = ordinary_values(n, 4, 4.0f), dy = ordinary_values(n, 5), slope = ordinary_values(shape.channels, 6);
    std::ostringstream name;
    name << " {" << shape.outer << ", " << shape.channels << ", " << shape.inner << '}';

    Values out(n), dslope(shape.channels);
    EXPECT_EQ(rectify_prelu_forward(RECTIFY_F32, RECTIFY_F32, shape, x.data(), slope.data(), out.data(), &options),
              RECTIFY_OK);
    hashes["prelu_forward y" + name.str()] = hash(out);
    EXPECT_EQ(rectify_prelu_backward(RECTIFY_F32, RECTIFY_F32, shape, x.data(), slope.data(), dy.data(), out.data(),
                                     dslope.data(), &options),
              RECTIFY_OK);
    hashes["prelu_backward dx" + name.str()] = hash(out);
    hashes["prelu_backward dslope" + name.str()] = hash(dslope);

    Values dalpha(1);
    EXPECT_EQ(rectify_elu_backward(RECTIFY_F32, n, 0.5, x.data(), dy.data(), out.data(), dalpha.data(), &options),
              RECTIFY_OK);
    hashes["elu_backward dalpha" + name.str()] = hash(dalpha);
  }
}

Hashes computed_hashes(const rectify_options& options) {
  Hashes hashes;
  hashes["numerics version"] = static_cast<uint64_t>(rectify_numerics_version());
  add_maps(hashes, options);
  add_sums(hashes, options);
  return hashes;
}

// Lines of a hash in hexadecimal digits, a space and a name.
Hashes committed_hashes() {
  Hashes hashes;
  std::ifstream file(RECTIFY_GOLDEN_HASHES);
  EXPECT_TRUE(file.is_open()) << RECTIFY_GOLDEN_HASHES;
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

class Golden : public OnEachBackend {};
RECTIFY_ON_EACH_BACKEND(Golden);

TEST_P(Golden, Hashes) {
  const Hashes computed = computed_hashes(options);
  if (const char* const path = std::getenv("RECTIFY_WRITE_GOLDEN"); path != nullptr && GetParam() == scalar_backend) {
    return write(computed, path);
  }
  const Hashes committed = committed_hashes();
  for (const auto& [name, value] : computed) {
    const auto found = committed.find(name);
    ASSERT_NE(found, committed.end()) << name << " is not in the file";
    EXPECT_EQ(found->second, value) << name;
  }
  EXPECT_EQ(committed.size(), computed.size()) << "the file has lines that nothing computes";
}

}  // namespace
}  // namespace rectify::tests
