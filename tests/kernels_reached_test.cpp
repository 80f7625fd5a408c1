// A call runs the kernels of the backend it names, and no other's: there is a breakpoint on the first instruction of every
// kernel of every backend while the call runs. The name that the library gives could be wrong; this cannot.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "dispatch/select.hpp"
#include "kernels/backend.hpp"
#include "rectify/rectify.h"
#include "tests/support/backends.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/on_each_format.hpp"
#include "tests/support/public_calls.hpp"

namespace rectify::tests {
namespace {

#if defined(__x86_64__)
using Instruction = uint8_t;
constexpr Instruction trap = 0xcc;  // int3
#elif defined(__aarch64__)
using Instruction = uint32_t;
constexpr Instruction trap = 0xd4200000;  // brk #0
#endif

// Notes that the code at an address is reached, once, and lets it run.
class Breakpoint {
 public:
  explicit Breakpoint(const void* address) : address_(reinterpret_cast<uintptr_t>(address)) {
    std::memcpy(&original_, address, sizeof original_);
    write(trap);
  }
  Breakpoint(const Breakpoint&) = delete;
  Breakpoint& operator=(const Breakpoint&) = delete;
  ~Breakpoint() { write(original_); }

  uintptr_t address() const { return address_; }
  bool reached() const { return reached_; }
  void reach() {
    reached_ = true;
    write(original_);
  }

 private:
  void write(Instruction instruction) {
    const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)), begin = address_ & ~(page - 1);
    void* const pages = reinterpret_cast<void*>(begin);
    const size_t bytes = address_ + sizeof instruction - begin;
    char* const code = reinterpret_cast<char*>(address_);
    if (mprotect(pages, bytes, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) abort();
    std::memcpy(code, &instruction, sizeof instruction);
    __builtin___clear_cache(code, code + sizeof instruction);
    if (mprotect(pages, bytes, PROT_READ | PROT_EXEC) != 0) abort();
  }

  uintptr_t address_;
  Instruction original_;
  volatile bool reached_ = false;
};

std::vector<std::unique_ptr<Breakpoint>>* breakpoints = nullptr;

void on_trap(int, siginfo_t*, void* context) {
  ucontext_t& interrupted = *static_cast<ucontext_t*>(context);
#if defined(__x86_64__)
  greg_t& next = interrupted.uc_mcontext.gregs[REG_RIP];
  const uintptr_t address = static_cast<uintptr_t>(next) - 1;  // past the int3
  next = static_cast<greg_t>(address);
#elif defined(__aarch64__)
  const uintptr_t address = interrupted.uc_mcontext.pc;
#endif
  for (const std::unique_ptr<Breakpoint>& breakpoint : *breakpoints) {
    if (breakpoint->address() == address) return breakpoint->reach();
  }
  abort();  // not ours
}

// The format's name without that of its slopes.
template <class Format>
std::string name_of_element() {
  const std::string name = Format::name;
  return name.substr(0, name.find("_slopes"));
}

// Every kernel of every backend that can run here, by name: avx2.f16.elu_forward. Where tables share a kernel it has one
// name, and nothing else may be shared.
class KernelNames {
 public:
  KernelNames() {
    for (const std::string& backend : compiled_backends()) {
      if (!is_available(backend)) continue;
      const Backend* table = nullptr;
      EXPECT_EQ(select_backend(backend.c_str(), &table), RECTIFY_OK);
#define RECTIFY_ADD(name, Element, Slope) add<formats::name>(backend, *table->name);
      RECTIFY_FORMATS(RECTIFY_ADD)
#undef RECTIFY_ADD
    }
  }

  // What has no slopes is the same for every format of slopes; the reference folds all sums to f32 by one function.
  template <class Format>
  static std::string name(const std::string& backend, const std::string& kernel) {
    const bool has_slopes = kernel.starts_with("prelu_") || kernel.starts_with("fused_") || kernel == "fold";
    std::string format = has_slopes ? Format::name : name_of_element<Format>();
    if (backend == scalar_backend && kernel == "fold" && Format::slope_dtype == RECTIFY_F32) format = "f32";
    return backend + "." + format + "." + kernel;
  }

  const std::map<const void*, std::string>& by_address() const { return by_address_; }

 private:
  template <class Format>
  void add(const std::string& backend, const Kernels& kernels) {
    const auto add_one = [&](const char* kernel, auto* function) {
      const void* const address = reinterpret_cast<const void*>(function);
      const std::string full_name = name<Format>(backend, kernel);
      EXPECT_EQ(by_address_.emplace(address, full_name).first->second, full_name) << "are the same kernel";
      EXPECT_EQ(by_name_.emplace(full_name, address).first->second, address) << full_name << " is two kernels";
    };
#define RECTIFY_ADD(activation, direction) add_one(#activation "_" #direction, kernels.activation##_##direction);
    RECTIFY_MAPS(RECTIFY_ADD)
    RECTIFY_FUSED(RECTIFY_ADD)
    RECTIFY_STAGES(RECTIFY_ADD)
    RECTIFY_SUMS(RECTIFY_ADD)
    RECTIFY_STAGE_SUMS(RECTIFY_ADD)
#undef RECTIFY_ADD
    add_one("fold", kernels.fold);
  }

  std::map<const void*, std::string> by_address_;
  std::map<std::string, const void*> by_name_;
};

// The kernels that a call is meant to run, told from its name: its activation's, and in calls with masks and fused ones the
// steps before and behind it. Leaky ReLU is PReLU with one slope, which is of the type that computes.
template <class Format>
std::set<std::string> expected_kernels(const std::string& backend, const PublicCall& call) {
  std::set<std::string> kernels;
  const auto add = [&](const std::string& kernel) { kernels.insert(KernelNames::name<Format>(backend, kernel)); };
  const auto says = [&](const std::string& part) { return (call.name + ",").find(", " + part + ",") != std::string::npos; };
  const bool fused = call.name.starts_with("fused_"), forward = call.name.find("_forward") != std::string::npos;
  const std::string operation = call.name.substr(0, call.name.find(','));
  const std::string direction = forward ? "_forward" : "_backward";
  std::string activation = operation.substr(0, operation.find(direction));
  for (const char* const kind : {"relu", "leaky_relu", "prelu", "elu"}) {
    if (fused && says(kind)) activation = kind;
  }
  if (call.bias_count != 0) add("bias_backward");
  if (call.has_sums()) add("fold");
  const bool one_kernel = forward && (fused || call.mask == Mask::written);
  if (!one_kernel && fused && (says("bias") || says("residual"))) add("fused_sum_forward");
  if (call.mask == Mask::read && activation == "prelu") add("mask_backward");

  if (one_kernel) {
    add("fused_" + activation + "_forward");
  } else if (call.mask == Mask::read && activation != "prelu") {
    add(activation + "_backward_from_mask");
  } else if (activation == "leaky_relu") {
    const std::string kernel = "prelu" + direction + (call.sum_count != 0 ? "_with_parameter" : "");
    kernels.insert(backend + "." + name_of_element<Format>() + "." + kernel);
  } else if (operation == "elu_backward_from_y") {
    add(operation);
  } else {
    add(activation + direction + (call.sum_count != 0 ? "_with_parameter" : ""));
  }
  return kernels;
}

class KernelsReached : public OnEachFormat {
 public:
  template <class Format>
  static constexpr bool takes_in_emulator = true;
  static std::vector<std::string> backends() { return compiled_backends(); }
};

RECTIFY_ON_EACH_FORMAT(KernelsReached, AreThoseOfTheBackendAskedFor) {
  // More than one task, for two threads of which one does it all: then a sum is folded.
  constexpr size_t n = 120000;
  options.threads = 2;
  options.parallel_for = [](void*, size_t tasks, void (*task)(void*, size_t), void* context) {
    for (size_t i = 0; i < tasks; ++i) task(context, i);
  };
  std::vector<PublicCall> calls;
  add_flat_calls<Format>(calls, n, 0.1, 1.0);
  add_shaped_calls<Format>(calls, {2, 3, 20000});
  add_shaped_calls<Format>(calls, {1200, 96, 1});
  const Values x = ordinary_values<Element>(n, 1), dy = ordinary_values<Element>(n, 2);
  const std::vector<Slope> slope = ordinary_values<Slope>(100, 3);
  const KernelNames names;

  struct sigaction action = {}, previous;
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO;
  ASSERT_EQ(sigaction(SIGTRAP, &action, &previous), 0);
  for (const PublicCall& call : calls) {
    std::vector<std::unique_ptr<Breakpoint>> set;
    for (const auto& [address, name] : names.by_address()) set.push_back(std::make_unique<Breakpoint>(address));
    breakpoints = &set;
    const int32_t status = run_call<Format>(call, x.data(), dy.data(), slope.data(), &options).status;
    std::set<std::string> reached;
    for (const auto& breakpoint : set) {
      if (breakpoint->reached())
        reached.insert(names.by_address().at(reinterpret_cast<const void*>(breakpoint->address())));
    }
    set.clear();
    EXPECT_EQ(status, RECTIFY_OK) << call;
    EXPECT_EQ(reached, expected_kernels<Format>(backend, call)) << call;
  }
  sigaction(SIGTRAP, &previous, nullptr);
}

}  // namespace
}  // namespace rectify::tests
