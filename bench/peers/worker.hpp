// A library to measure is a process of its own, so that thread pools and symbols keep apart: it answers the lines of
// peers.py on its standard input. What all of them written in C++ share is here: the lines, the memory, the clock.
//
//   (first)                                                     -> ready NAME VERSION
//   prepare OPERATION DIRECTION FORMAT LAYOUT N C H W PLACE     -> ok VALUE... | unsupported WHY
//   time UNTIMED REPETITIONS                                    -> nanoseconds of the repetitions together
//   release                                                     -> ok
//
// The values are some of the result, the same of every library, then dslope: by them peers.py sees that they agree. The
// tensors lie in files of memory that all libraries share, so that each has the same pages, which caches like more or less.
// PLACE is the page of these files where the tensors begin.
#pragma once

#include <stddef.h>

#include <functional>
#include <stdexcept>
#include <string>

namespace peers {

enum class Format { f32, f16, bf16, f64 };
size_t size(Format format);

// Of the scalar parameters.
constexpr double leaky_slope = 0.01, elu_alpha = 1;

struct Case {
  std::string operation, direction, layout;  // "flat", "nchw" or "nhwc"
  Format format;
  size_t batch, channels, height, width;

  bool is(const char* that_operation, const char* that_direction) const {
    return operation == that_operation && direction == that_direction;
  }
  bool forward() const { return direction == "forward"; }
  bool with_parameter() const { return direction == "backward_with_parameter"; }
  bool from_y() const { return direction == "backward_from_y"; }
  size_t area() const { return height * width; }
  size_t n() const { return batch * channels * area(); }
};

// All of the case's format. x holds y where the direction asks for it.
struct Tensors {
  const void* x;
  const void* dy;
  const void* slope;
  void* out;
  void* dslope;
};

struct Call {
  std::function<void()> run;
  // Brings the result of the last run to Tensors::out and dslope, where the library wrote it elsewhere.
  std::function<void()> finish = [] {};
};

struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Library {
  std::string name, version;
  // Throws Unsupported, or anything else that says why not.
  std::function<Call(const Case&, const Tensors&)> prepare;
};

// make<T>() with the type T of the format: float, double, or one of those given for 16 bits.
template <class F16, class Bf16, class Make>
Call of_type(Format format, const Make& make) {
  switch (format) {
    case Format::f16:
      return make.template operator()<F16>();
    case Format::bf16:
      return make.template operator()<Bf16>();
    case Format::f64:
      return make.template operator()<double>();
    default:
      return make.template operator()<float>();
  }
}

// main() of a worker: THREADS and the folder of the tensors are its arguments.
int serve(int argc, char** argv, Library (*open)(size_t threads));

}  // namespace peers
