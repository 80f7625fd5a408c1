#include "worker.hpp"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <iterator>
#include <memory>
#include <sstream>
#include <vector>

namespace peers {
namespace {

constexpr const char* formats[] = {"f32", "f16", "bf16", "f64"};
constexpr size_t sampled = 1024;

Format format_of(const std::string& name) {
  const auto found = std::find(std::begin(formats), std::end(formats), name);
  if (found == std::end(formats)) throw Unsupported("format " + name);
  return static_cast<Format>(found - std::begin(formats));
}

// A part of a file that holds a tensor, x.f32 for example. The tensors of a case start at different places of a page, lest
// a load wait for an earlier store with the same low address bits.
class Array {
 public:
  Array(const std::string& file, size_t place, size_t slot, size_t bytes) : bytes_(bytes + 4096), offset_(slot * 832) {
    const int descriptor = open(file.c_str(), O_RDWR);
    if (descriptor < 0) throw Unsupported("no file " + file);
    base_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor,
                 static_cast<off_t>(place * 4096));
    close(descriptor);
    if (base_ == MAP_FAILED) throw Unsupported("out of memory");
  }
  ~Array() { munmap(base_, bytes_); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  char* data() const { return static_cast<char*>(base_) + offset_; }

 private:
  void* base_;
  size_t bytes_, offset_;
};

double wide_half(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double magnitude = exponent == 31  ? (fraction ? NAN : INFINITY)
                           : exponent == 0 ? ldexp(fraction, -24)
                                           : ldexp(1024 + fraction, exponent - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

double value_at(Format format, const void* data, size_t index) {
  const auto element = [&]<class T>(T value) {
    memcpy(&value, static_cast<const char*>(data) + index * sizeof value, sizeof value);
    return value;
  };
  switch (format) {
    case Format::f32:
      return static_cast<double>(element(float()));
    case Format::f64:
      return element(double());
    case Format::f16:
      return wide_half(element(uint16_t()));
    default: {
      const uint32_t bits = static_cast<uint32_t>(element(uint16_t())) << 16;
      float value;
      memcpy(&value, &bits, sizeof value);
      return static_cast<double>(value);
    }
  }
}

struct Prepared {
  std::vector<std::unique_ptr<Array>> arrays;
  Call call;
  std::string values;
};

Prepared prepare(const Library& library, const Case& c, const std::string& folder, size_t place) {
  Prepared prepared;
  const size_t bytes = c.n() * size(c.format), bytes_of_slopes = c.channels * size(c.format);
  const auto array = [&](const char* name, size_t size_of_it) {
    const std::string file = folder + "/" + name + "." + formats[static_cast<int>(c.format)];
    prepared.arrays.push_back(std::make_unique<Array>(file, place, prepared.arrays.size(), size_of_it));
    return prepared.arrays.back()->data();
  };
  const Tensors tensors = {.x = array(c.from_y() ? "y" : "x", bytes),
                           .dy = array("dy", bytes),
                           .slope = array("slope", bytes_of_slopes),
                           .out = array("out", bytes),
                           .dslope = array("dslope", bytes_of_slopes)};
  memset(tensors.out, 0, bytes);
  memset(tensors.dslope, 0, bytes_of_slopes);
  prepared.call = library.prepare(c, tensors);
  prepared.call.run();
  prepared.call.finish();

  std::ostringstream text;
  text.precision(9);
  const size_t count = std::min(sampled, c.n()), step = c.n() / count;
  for (size_t i = 0; i < count; ++i) text << ' ' << value_at(c.format, tensors.out, i * step + i * 7919 % step);
  for (size_t i = 0; c.with_parameter() && i < c.channels; ++i) text << ' ' << value_at(c.format, tensors.dslope, i);
  prepared.values = text.str();
  return prepared;
}

double nanoseconds() {
  timespec time = {};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e9 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec);
}

double timed(const Call& call, size_t untimed, size_t repetitions) {
  for (size_t i = 0; i < untimed; ++i) call.run();
  const double start = nanoseconds();
  for (size_t i = 0; i < repetitions; ++i) call.run();
  return nanoseconds() - start;
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

size_t size(Format format) { return format == Format::f64 ? 8 : format == Format::f32 ? 4 : 2; }

int serve(int argc, char** argv, Library (*open)(size_t threads)) {
  if (argc != 3) {
    std::cerr << "usage: " << argv[0] << " THREADS FOLDER_OF_TENSORS   (peers.py starts it)\n";
    return 2;
  }
  Library library;
  try {
    library = open(std::stoul(argv[1]));
  } catch (const std::exception& e) {
    std::cout << "absent " << one_line(e.what()) << std::endl;
    return 1;
  }
  std::cout << "ready " << library.name << ' ' << library.version << std::endl;

  Prepared prepared;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "prepare") {
      prepared = {};
      try {
        Case c;
        std::string format;
        size_t place = 0;
        words >> c.operation >> c.direction >> format >> c.layout >> c.batch >> c.channels >> c.height >> c.width >> place;
        c.format = format_of(format);
        prepared = prepare(library, c, argv[2], place);
        std::cout << "ok" << prepared.values << std::endl;
      } catch (const std::exception& e) {
        prepared = {};
        std::cout << "unsupported " << one_line(e.what()) << std::endl;
      }
    } else if (verb == "time") {
      size_t untimed = 0, repetitions = 0;
      words >> untimed >> repetitions;
      std::cout << static_cast<long long>(timed(prepared.call, untimed, repetitions)) << std::endl;
    } else {
      prepared = {};
      std::cout << "ok" << std::endl;
    }
  }
  return 0;
}

}  // namespace peers
