// The number of threads, and whose threads they are, changes no bit. One thread is the yardstick here; that it is right is
// the business of the tests of bits.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "rectify/rectify.h"
#include "tests/support/effort.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/on_each_format.hpp"
#include "tests/support/public_calls.hpp"

#if defined(RECTIFY_TESTS_TBB)
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#endif

namespace rectify::tests {
namespace {

// Sizes around the blocks of a sum (4096 elements, 64 rows) and the chunks that tasks are made of (a power of two that
// these cover up to 2^16), and some that make many tasks.
constexpr size_t largest = emulated ? 100003 : 200003;
template <class Format>
std::vector<PublicCall> calls() {
  std::vector<PublicCall> list;
  for (const size_t n :
       {size_t{1}, size_t{4095}, size_t{4097}, size_t{32767}, size_t{32768}, size_t{32769}, size_t{65537}, largest}) {
    add_flat_calls<Format>(list, n, 0.1, 1.6732632423543772);
  }
  for (const rectify_shape shape : {
           rectify_shape{1, 1, 100003},  // one slope
           rectify_shape{7, 64, 49},     // NCHW, short runs
           rectify_shape{2, 3, 20011},   // NCHW, runs of several leaves
           rectify_shape{3, 2, 4096},    // NCHW, runs of one leaf
           rectify_shape{1, 400, 196},   // NCHW, many channels
           rectify_shape{2049, 64, 1},   // NHWC
           rectify_shape{65, 4097, 1},   // NHWC, more channels than one tile
           rectify_shape{16385, 3, 1},   // NHWC, narrow
           rectify_shape{3, 50021, 1},   // one slope per element
       }) {
    if (!emulated || shape.outer * shape.channels * shape.inner < 140000) add_shaped_calls<Format>(list, shape);
  }
  return list;
}

// The inputs of every call; sums need finite ones.
template <class Format>
struct Inputs {
  using Element = typename Format::Element;
  static constexpr size_t most = 300000;
  std::vector<Element> mixed_x = mixed_values<Element>(most, 1), mixed_dy = mixed_values<Element>(most, 2);
  std::vector<Element> x = ordinary_values<Element>(most, 3, 4.0f), dy = ordinary_values<Element>(most, 4);
  std::vector<typename Format::Slope> slope = ordinary_values<typename Format::Slope>(most, 5);

  Results<Format> run(const PublicCall& call, const rectify_options& options) const {
    const bool finite = call.has_sums();
    return run_call<Format>(call, finite ? x.data() : mixed_x.data(), finite ? dy.data() : mixed_dy.data(), slope.data(),
                            &options);
  }
};

// Every call of a format, and what one thread gives.
template <class Format>
class Calls {
 public:
  explicit Calls(rectify_options options) {
    options.threads = 1;
    for (const PublicCall& call : list) expected.push_back(inputs.run(call, options));
  }

  const Inputs<Format> inputs{};
  const std::vector<PublicCall> list = calls<Format>();
  std::vector<Results<Format>> expected;

  testing::AssertionResult same(size_t i, const rectify_options& options) const {
    return same_results(expected[i], inputs.run(list[i], options));
  }
  void expect_same(const rectify_options& options) const {
    for (size_t i = 0; i < list.size(); ++i) EXPECT_TRUE(same(i, options)) << list[i];
  }
};

class Threads : public OnEachFormat {
 public:
  template <class Format>
  static constexpr bool takes = differs_in_tasks<Format>;

 protected:
  rectify_options with_threads(size_t threads) const {
    rectify_options changed = options;
    changed.threads = threads;
    return changed;
  }
};

RECTIFY_ON_EACH_FORMAT(Threads, AnyNumber) {
  const Calls<Format> all(options);
  for (const size_t threads : {size_t{0}, size_t{2}, size_t{3}, size_t{5}, size_t{16}, size_t{1000}, ~size_t{0}}) {
    SCOPED_TRACE(testing::Message() << threads << " threads");
    all.expect_same(with_threads(threads));
  }
}

// ---- A caller's own pool ----

// Counts what it is asked for and checks that its own arguments come back.
struct Pool {
  enum Kind { serial, reversed, own_threads, detached_order } kind;
  size_t calls = 0;
  size_t most_tasks = 0;
};

void run_in_pool(void* pool, size_t tasks, void (*task)(void*, size_t), void* context) {
  Pool& self = *static_cast<Pool*>(pool);
  ++self.calls;
  self.most_tasks = std::max(self.most_tasks, tasks);
  switch (self.kind) {
    case Pool::serial:
      for (size_t i = 0; i < tasks; ++i) task(context, i);
      break;
    case Pool::reversed:
      for (size_t i = tasks; i-- > 0;) task(context, i);
      break;
    case Pool::own_threads: {  // none of them the caller's
      std::vector<std::thread> threads;
      for (size_t i = 0; i < tasks; ++i) threads.emplace_back(task, context, i);
      for (std::thread& thread : threads) thread.join();
      break;
    }
    case Pool::detached_order: {  // two threads take what comes, the caller among them
      std::atomic<size_t> next{0};
      const auto work = [&] {
        for (size_t i; (i = next++) < tasks;) task(context, tasks - 1 - i);
      };
      std::thread other(work);
      work();
      other.join();
      break;
    }
  }
}

class ThreadsOfACallback : public Threads {
 protected:
  template <class Format>
  void expect_same_results_in(Pool::Kind kind) {
    const Calls<Format> all(options);
    // What the callback is given for each number of threads, one order shows. 0 would be a thread for each task.
    const std::vector<size_t> numbers = kind == Pool::serial        ? std::vector<size_t>{0, 1, 2, 3, 5, 16}
                                        : kind == Pool::own_threads ? std::vector<size_t>{3, 16}
                                                                    : std::vector<size_t>{0, 3};
    for (const size_t threads : numbers) {
      SCOPED_TRACE(testing::Message() << threads << " threads");
      Pool pool{kind};
      rectify_options changed = with_threads(threads);
      changed.parallel_for = run_in_pool;
      changed.pool = &pool;
      all.expect_same(changed);
      EXPECT_GE(pool.most_tasks, threads == 1 ? 0u : 2u) << "the callback was never given more than one task";
      if (threads == 0) continue;
      EXPECT_LE(pool.most_tasks, threads) << "more tasks at once than threads allowed";
    }
  }
};

RECTIFY_ON_EACH_FORMAT(ThreadsOfACallback, Serial) { expect_same_results_in<Format>(Pool::serial); }
RECTIFY_ON_EACH_FORMAT(ThreadsOfACallback, InReverse) { expect_same_results_in<Format>(Pool::reversed); }
RECTIFY_ON_EACH_FORMAT(ThreadsOfACallback, OnThreadsOfItsOwn) { expect_same_results_in<Format>(Pool::own_threads); }
RECTIFY_ON_EACH_FORMAT(ThreadsOfACallback, InWhateverOrder) { expect_same_results_in<Format>(Pool::detached_order); }

// Up to 32768 elements stay on the calling thread, whatever they are cut into: a callback is not troubled with them.
RECTIFY_ON_EACH_FORMAT(ThreadsOfACallback, IsNotCalledForSmallArrays) {
  const Inputs<Format> inputs;
  Pool pool{Pool::serial};
  options.parallel_for = run_in_pool;
  options.pool = &pool;
  std::vector<PublicCall> small;
  add_flat_calls<Format>(small, 1000, 0.1, 1.0);
  add_flat_calls<Format>(small, 32768, 0.1, 1.0);
  for (const rectify_shape shape : {rectify_shape{5, 4, 50},
                                    {50, 20, 1},
                                    {1, 512, 49},
                                    {1, 128, 196},
                                    {2, 2, 8192},
                                    {2, 8192, 1},
                                    {500, 64, 1},
                                    {1, 32768, 1}}) {
    add_shaped_calls<Format>(small, shape);
  }
  for (const PublicCall& call : small) {
    EXPECT_EQ(inputs.run(call, options).status, RECTIFY_OK);
    EXPECT_EQ(pool.calls, 0u) << call;
  }
}

// ---- Stack ----

// What rectify.h promises to be enough. It is a promise of optimised builds: others keep every intermediate there.
#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__)
constexpr size_t enough_stack = size_t{128} << 10;
#else
constexpr size_t enough_stack = size_t{2} << 20;
#endif

// On a thread that has that, and some for the thread itself: every call, and a large one that makes dx twice in a tile.
RECTIFY_ON_EACH_FORMAT(ThreadsOfACallback, NeedLittleStack) {
  constexpr size_t of_the_thread = size_t{16} << 10;
  struct Work {
    const Calls<Format> all;
    rectify_options options;
    std::string failures;

    void run() {
      for (size_t i = 0; i < all.list.size(); ++i) {
        const testing::AssertionResult same = all.same(i, options);
        if (!same) failures += all.list[i].name + ": " + same.message() + "\n";
      }
      const size_t n = emulated ? size_t{1} << 20 : size_t{1} << 23;
      const Values dy(n, rounded<Element>(1.0));
      Values dx(n);
      const Slope slope[2] = {};
      Slope dbias[2];
      const int32_t status =
          rectify_fused_backward(Format::dtype, Format::slope_dtype, {1, 2, n / 2}, dy.data(), nullptr, nullptr, nullptr,
                                 {RECTIFY_PRELU, 0, slope}, dy.data(), dx.data(), dbias, nullptr, &options);
      if (status != RECTIFY_OK) failures += "the large call\n";
    }
  };
  Pool pool{Pool::serial};
  options.parallel_for = run_in_pool;
  options.pool = &pool;
  Work work{Calls<Format>(options), options, ""};
  pthread_attr_t small;
  ASSERT_EQ(pthread_attr_init(&small), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&small, enough_stack + of_the_thread), 0);
  pthread_t thread;
  const auto start = [](void* self) -> void* {
    static_cast<Work*>(self)->run();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &small, start, &work), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&small);
  EXPECT_EQ(work.failures, "");
}

// ---- Many callers ----

RECTIFY_ON_EACH_FORMAT(Threads, ManyCallersAtOnce) {
  const Calls<Format> all(options);
  const std::vector<PublicCall>& list = all.list;
  constexpr size_t callers = 8;
  std::vector<std::string> failures(callers);
  std::vector<std::thread> threads;
  for (size_t caller = 0; caller < callers; ++caller) {
    threads.emplace_back([&, caller] {
      for (size_t i = 0; i < list.size(); ++i) {
        if (emulated && i % 4 != caller % 4) continue;
        const size_t index = (i + caller * list.size() / callers) % list.size();
        const testing::AssertionResult same = all.same(index, with_threads(caller % 4));
        if (!same) failures[caller] += list[index].name + ": " + same.message() + "\n";
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& failure : failures) EXPECT_EQ(failure, "");
}

// The first call of a process finds out about the machine; many may be first. Each case runs in a process of its own.
RECTIFY_ON_EACH_ELEMENT_TYPE(Threads, ManyFirstCallersAtOnce) {
  std::atomic<int> waiting{0};
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  constexpr int callers = 8;
  for (int caller = 0; caller < callers; ++caller) {
    threads.emplace_back([&] {
      ++waiting;
      while (waiting < callers) std::this_thread::yield();
      const Element x = rounded<Element>(-1.0);
      Element y = unwritten<Element>;
      if (rectify_relu_forward(Format::dtype, 1, &x, &y, &options) == RECTIFY_OK && bits_of(y) == 0) ++good;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, callers);
}

// ---- How many threads take part ----

// An output whose pages are closed until they are first written; each thread that opens one is noted.
class WrittenBy {
 public:
  explicit WrittenBy(size_t bytes) : bytes_(bytes) {
    data_ = static_cast<char*>(mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (data_ == MAP_FAILED) throw std::bad_alloc();
    current_ = this;
    struct sigaction action = {};
    action.sa_sigaction = open_page;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, &previous_);
  }
  WrittenBy(const WrittenBy&) = delete;
  WrittenBy& operator=(const WrittenBy&) = delete;
  ~WrittenBy() {
    sigaction(SIGSEGV, &previous_, nullptr);
    munmap(data_, bytes_);
  }

  void* data() { return data_; }
  size_t threads() const { return count_.load(); }
  bool by(pthread_t thread) const {
    return std::any_of(seen_.begin(), seen_.begin() + std::min(count_.load(), seen_.size()),
                       [&](const std::atomic<pthread_t>& each) { return pthread_equal(each.load(), thread) != 0; });
  }

 private:
  static void open_page(int, siginfo_t* info, void*) {
    WrittenBy& self = *current_;
    char* const address = static_cast<char*>(info->si_addr);
    if (address < self.data_ || address >= self.data_ + self.bytes_) {  // a fault of another kind: let it happen again
      sigaction(SIGSEGV, &self.previous_, nullptr);
      return;
    }
    if (!self.by(pthread_self())) {  // nobody else adds this thread meanwhile
      const size_t slot = self.count_++;
      if (slot < self.seen_.size()) self.seen_[slot] = pthread_self();
    }
    const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    mprotect(reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(address) & ~(page - 1)), page, PROT_READ | PROT_WRITE);
  }

  static inline WrittenBy* current_ = nullptr;
  size_t bytes_;
  char* data_;
  struct sigaction previous_ = {};
  std::atomic<size_t> count_{0};
  std::array<std::atomic<pthread_t>, 64> seen_ = {};
};

// How work is shared out does not depend on the format: f32 stands for all.
class ThreadLimit : public OnEachBackend {
 protected:
  static constexpr size_t n = emulated ? 200003 : 400009;
  static constexpr int attempts = emulated ? 5 : 20;
  const std::vector<float> x = ordinary_values(n, 3, 4.0f);

  // The threads that write y of one call.
  size_t threads_of_a_call(bool& caller_among_them) {
    WrittenBy y(n * sizeof(float));
    EXPECT_EQ(rectify_elu_forward(RECTIFY_F32, n, 1.0, x.data(), y.data(), &options), RECTIFY_OK);
    caller_among_them = y.by(pthread_self());
    return y.threads();
  }

  // More threads than the machine may have cores: the limit must be what holds them back.
  void expect_limit_kept() {
    for (const size_t limit : {size_t{1}, size_t{2}, size_t{3}, size_t{5}}) {
      options.threads = limit;
      size_t most = 0;
      for (int attempt = 0; attempt < attempts; ++attempt) {
        bool caller_among_them = false;
        const size_t threads = threads_of_a_call(caller_among_them);
        most = std::max(most, threads);
        ASSERT_LE(threads, limit) << "a call used more threads than it was allowed";
        ASSERT_TRUE(limit > 1 || caller_among_them) << "one thread is the caller's";
      }
      std::printf("[ threads  ] %s, at most %zu: %zu seen\n", GetParam().c_str(), limit, most);
      EXPECT_GE(most, std::min(limit, size_t{2})) << "no call ever ran in parallel";
    }
  }
};
RECTIFY_ON_EACH_BACKEND(ThreadLimit);

// A pool with a thread for every task.
TEST_P(ThreadLimit, KeptInACallback) {
  Pool pool{Pool::own_threads};
  options.parallel_for = run_in_pool;
  options.pool = &pool;
  expect_limit_kept();
}

// ---- Streaming stores ----

// Larger than the last-level cache, where stores go past it: another thread that is told of the end sees every element.
RECTIFY_ON_EACH_ELEMENT_TYPE(Threads, AnotherThreadSeesAllThatWasStored) {
  size_t cache = 32 << 20;
  if (FILE* const file = std::fopen("/sys/devices/system/cpu/cpu0/cache/index3/size", "r")) {
    unsigned long kibibytes = 0;
    if (std::fscanf(file, "%luK", &kibibytes) == 1) cache = kibibytes << 10;
    std::fclose(file);
  }
  const size_t n = cache / sizeof(Element) + 12345;
  const Element three = rounded<Element>(3.0);
  const Values x(n, three);
  Values y(n);
  for (int round = 1; round <= (emulated ? 2 : 6); ++round) {
    std::fill(y.begin(), y.end(), unwritten<Element>);
    std::atomic<bool> done{false};
    size_t missing = 0;
    std::thread reader([&] {
      while (!done.load(std::memory_order_acquire)) {
      }
      for (size_t i = n; i-- > 0;) missing += !identical_bits(y[i], three);  // the last ones stored first
    });
    const int32_t status = rectify_relu_forward(Format::dtype, n, x.data(), y.data(), &options);
    done.store(true, std::memory_order_release);
    reader.join();
    ASSERT_EQ(status, RECTIFY_OK);
    ASSERT_EQ(missing, 0u) << "of " << n;
  }
}

// ---- oneTBB ----

#if defined(RECTIFY_TESTS_TBB)

RECTIFY_ON_EACH_FORMAT(Threads, InsideTheCallersParallelFor) {
  const Calls<Format> all(options);
  std::vector<std::string> failures(all.list.size());
  tbb::parallel_for(size_t{0}, all.list.size(), [&](size_t i) {
    const testing::AssertionResult same = all.same(i, with_threads(i % 4));
    if (!same) failures[i] = all.list[i].name + ": " + same.message();
  });
  for (const std::string& failure : failures) EXPECT_EQ(failure, "");
}

RECTIFY_ON_EACH_FORMAT(Threads, InsideAnArenaOfOne) {
  const Calls<Format> all(options);
  tbb::task_arena(1).execute([&] { all.expect_same(with_threads(5)); });
}

RECTIFY_ON_EACH_FORMAT(Threads, InsideAnArenaOfSixteen) {
  const Calls<Format> all(options);
  const tbb::global_control many(tbb::global_control::max_allowed_parallelism, 16);
  tbb::task_arena(16).execute([&] { all.expect_same(with_threads(0)); });
}

TEST_P(ThreadLimit, KeptInOneTbb) {
  const tbb::global_control many(tbb::global_control::max_allowed_parallelism, 16);
  tbb::task_arena(16).execute([&] { expect_limit_kept(); });
}

// What could be two tasks is done before a second thread would come. A callback's may be awake, and is asked.
// call(out, options) writes `bytes` bytes.
template <class Call>
void expect_light(const rectify_options& options, int attempts, size_t bytes, Call call) {
  const tbb::global_control many(tbb::global_control::max_allowed_parallelism, 16);
  tbb::task_arena(16).execute([&] {
    for (int attempt = 0; attempt < attempts; ++attempt) {
      WrittenBy out(bytes);
      ASSERT_EQ(call(out.data(), options), RECTIFY_OK);
      ASSERT_EQ(out.threads(), 1u);
      ASSERT_TRUE(out.by(pthread_self()));
    }
  });
  std::vector<uint64_t> out(bytes / sizeof(uint64_t));
  Pool pool{Pool::serial};
  rectify_options with_pool = options;
  with_pool.parallel_for = run_in_pool;
  with_pool.pool = &pool;
  ASSERT_EQ(call(out.data(), with_pool), RECTIFY_OK);
  EXPECT_EQ(pool.most_tasks, 2u);
}

// Tensors of 240 KiB in all, whether a sum's last step rounds it or not.
TEST_P(ThreadLimit, ALightSumStaysOnItsThread) {
  constexpr size_t light = 40960;
  constexpr rectify_shape two_channels = {2, 2, light / 4};
  const std::vector<uint16_t> ones(light, 0x3C00);
  constexpr float slope[2] = {0.25f, 0.5f};
  float dslope[2];
  for (const int32_t slope_dtype : {RECTIFY_F32, RECTIFY_F16}) {
    expect_light(options, attempts, light * sizeof(uint16_t), [&](void* dx, const rectify_options& how) {
      return rectify_prelu_backward(RECTIFY_F16, slope_dtype, two_channels, ones.data(), slope, ones.data(), dx, dslope,
                                    &how);
    });
  }
}

// A map, and a sum of what is made on the way from a mask: two tensors of 128 KiB.
TEST_P(ThreadLimit, ALightCallStaysOnItsThread) {
  constexpr size_t light = 65536;
  constexpr rectify_shape two_channels = {1, 2, light / 2};
  const std::vector<uint16_t> ones(light, 0x3C00);
  const std::vector<unsigned char> mask(light / 8, 0x5A);
  float dbias[2];
  expect_light(options, attempts, light * sizeof(uint16_t), [&](void* y, const rectify_options& how) {
    return rectify_relu_forward(RECTIFY_F16, light, ones.data(), y, &how);
  });
  expect_light(options, attempts, light * sizeof(uint16_t), [&](void* dx, const rectify_options& how) {
    return rectify_fused_backward(RECTIFY_F16, RECTIFY_F32, two_channels, nullptr, nullptr, nullptr, mask.data(),
                                  {RECTIFY_RELU, 0, nullptr}, ones.data(), dx, dbias, nullptr, &how);
  });
}

// The caller's own limit holds too.
TEST_P(ThreadLimit, OfTheCallersArenaIsKept) {
  const tbb::global_control many(tbb::global_control::max_allowed_parallelism, 16);
  tbb::task_arena(2).execute([&] {
    for (int attempt = 0; attempt < attempts; ++attempt) {
      bool caller_among_them = false;
      EXPECT_LE(threads_of_a_call(caller_among_them), 2u);
    }
  });
}

#else

// Built without oneTBB, a call without a callback stays on the calling thread.
TEST_P(ThreadLimit, WithoutOneTbbIsTheCallingThread) {
  bool caller_among_them = false;
  EXPECT_EQ(threads_of_a_call(caller_among_them), 1u);
  EXPECT_TRUE(caller_among_them);
}

#endif

}  // namespace
}  // namespace rectify::tests
