# Marginalia. `make help` lists the targets; new .c files are found by themselves.
#
# Variants have their own objects and do not disturb each other:
#   make            build/release, programs in bin/
#   make SAN=1      build/san: AddressSanitizer and UndefinedBehaviorSanitizer
#   make COV=1      build/cov: coverage counters
#   make FUZZ=1     build/fuzz: clang 14, libFuzzer and both sanitizers
# Yours to set: CC, CFLAGS, LDFLAGS, PREFIX, DESTDIR, DARKNET (folder of libdarknet.so and include/darknet.h), MPI=0 (a
# build without MPI; otherwise it is linked when pkg-config knows it).

DARKNET      ?= /usr/lib/darknet
PREFIX       ?= /usr/local
FUZZ_SECONDS ?= 20
CFLAGS       ?= -O2 -g

ifdef SAN
VARIANT := san
VARIANT_FLAGS := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
                 -fno-var-tracking
else ifdef COV
VARIANT := cov
VARIANT_FLAGS := --coverage -O1
else ifdef FUZZ
VARIANT := fuzz
VARIANT_FLAGS := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined \
                 -fno-omit-frame-pointer
CC := clang-14
else
VARIANT := release
endif
ifeq ($(origin CC),default)
CC := gcc
endif

BUILD   := build/$(VARIANT)
PROGDIR := $(if $(filter release,$(VARIANT)),bin,$(BUILD)/bin)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
CPP_ALL  := -D_GNU_SOURCE -I. -isystem $(DARKNET)/include -DDARKNET_LIBRARY='"$(DARKNET)/libdarknet.so"' $(CPPFLAGS)
C_ALL    := -std=c11 $(WARNINGS) -fvisibility=hidden -ffp-contract=off $(CFLAGS) $(VARIANT_FLAGS)
COMPILE   = $(CC) $(CPP_ALL) $(C_ALL) -MMD -MP -c -o $@ $<
LIBRARIES := -ldnnl -lopenblas -lconfig -ljansson -lzip -lz -lcrypto -ldl -lm -lpthread -lgomp
LINK      = $(CC) $(C_ALL) $(LDFLAGS) -Wl,--as-needed -o $@ $(sort $(filter %.o,$^) $(VERSION_OBJECT)) $(LIB)

# The headers of MPI are seen by base/ranks.c alone. It is compiled for a shared library, so that the program does not
# export copies of MPI's variables.
MPI_PACKAGE := $(if $(filter 0,$(MPI)),,$(firstword $(foreach p,ompi-c mpi-c,$(shell pkg-config --exists $p && echo $p))))
ifdef MPI_PACKAGE
MPI_FLAGS := -DMARGINALIA_MPI -fPIC $(patsubst -I%,-isystem %,$(shell pkg-config --cflags-only-I $(MPI_PACKAGE)))
LIBRARIES += $(shell pkg-config --libs $(MPI_PACKAGE))
endif
# Shows what is done in a few words; V=1 shows the commands.
SAY       = @$(if $(V),,echo "  $(1) $@";)
QUIET    := $(if $(V),,@)

SOURCES  := $(filter-out %/main.c,$(sort $(wildcard base/*.c datasets/*.c darknet-ext/*.c train/*.c validate/*.c \
                                                    validate/*/*.c)))
KERNELS  := $(filter darknet-ext/kernels.c darknet-ext/kernels_%.c,$(SOURCES))
MAINS    := $(wildcard train/main.c validate/main.c)
TESTS    := $(sort $(wildcard tests/test_*.c))
FUZZERS  := $(sort $(wildcard tests/fuzz_*.c))
PROBES   := $(sort $(wildcard tests/probe_*.c))
HELPERS  := $(filter-out $(TESTS) $(FUZZERS) $(PROBES),$(sort $(wildcard tests/*.c)))
TOOLS    := $(sort $(wildcard tools/*.c))
PARTS    := $(sort $(wildcard tools/*/*.c))
BATS     := $(sort $(wildcard tests/*.bats))

# Kernels are compiled once per instruction set; the best that the machine has is chosen at run time.
# (-Wno-psabi: their vector types never cross a file, so the note about passing them does not matter.
# -fno-var-tracking: where each local variable lives, for a debugger, takes as long to find out as to compile them.)
ISAS := avx512 avx2 portable
ISA_FLAGS_avx512   := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c -mprefer-vector-width=512 \
                      -ffp-contract=fast
ISA_FLAGS_avx2     := -mavx2 -mfma -mf16c -ffp-contract=fast
ISA_FLAGS_portable :=
KERNEL_FLAGS       := $(if $(filter release,$(VARIANT)),-O3) -Wno-psabi -fno-var-tracking

object          = $(patsubst %.c,$(BUILD)/%.o,$(1))
part            = $(patsubst %.c,$(BUILD)/parts/%.o,$(1))
# (No parser that is fuzzed calls a kernel.)
KERNEL_OBJECTS := $(if $(FUZZ),,$(foreach isa,$(ISAS),$(patsubst %.c,$(BUILD)/%_$(isa).o,$(KERNELS))))
VERSION_OBJECT := $(BUILD)/base/version.o
LIB_OBJECTS    := $(call object,$(filter-out $(KERNELS) base/version.c,$(SOURCES))) $(KERNEL_OBJECTS)
LIB            := $(BUILD)/libmarginalia.a
PROGRAMS       := $(patsubst %/main.c,$(PROGDIR)/%,$(MAINS))
TEST_PROGRAMS  := $(TESTS:%.c=$(BUILD)/%)
PROBE_PROGRAMS := $(PROBES:%.c=$(BUILD)/%)
FUZZ_PROGRAMS  := $(FUZZERS:%.c=$(BUILD)/%)
TOOL_PROGRAMS  := $(TOOLS:%.c=$(BUILD)/%)
STUDY_PROGRAMS := $(BUILD)/tools/power $(BUILD)/tools/study_page

# In the targets that build and then do more: as many jobs as processors, unless the user chose.
PARALLEL = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: all tests check test check-asan check-slurm check-valgrind fuzz fuzz-programs coverage bench bench-programs demo \
        bootstrap install uninstall clean help FORCE
.SECONDARY:
.DELETE_ON_ERROR:

all: $(LIB) $(PROGRAMS) ## build bin/train and bin/validate (the default)

tests: $(TEST_PROGRAMS) $(PROBE_PROGRAMS) $(STUDY_PROGRAMS) ## build the unit tests without running them

check: bootstrap ## install what is missing, build, run all tests
	@$(MAKE) --no-print-directory $(PARALLEL) test

test: $(PROGRAMS) $(TEST_PROGRAMS) $(PROBE_PROGRAMS) $(STUDY_PROGRAMS) ## the same without the installation step
	@BIN=$(PROGDIR) DARKNET=$(DARKNET) tools/run-tests \
	    tools/check-layers 'tools/check-symbols $(PROGRAMS) $(LIB)' $(TEST_PROGRAMS) $(BATS)

check-asan: ## unit and command-line tests under AddressSanitizer, LeakSanitizer and UBSan
	@$(MAKE) --no-print-directory $(PARALLEL) SAN=1 all tests
	@mkdir -p build/san/reports && rm -f build/san/reports/*
	@BIN=build/san/bin ASAN_OPTIONS=log_path=$(CURDIR)/build/san/reports/report:detect_stack_use_after_return=1 \
	    UBSAN_OPTIONS=print_stacktrace=1 \
	    tools/run-tests --reports build/san/reports $(TESTS:%.c=build/san/%) $(BATS)

check-slurm: ## install and start Slurm on this machine, train an ensemble as an array of jobs, stop it again
	@tools/bootstrap --slurm
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@tools/check-slurm

check-valgrind: ## train and judge a tiny network under valgrind, which finds reads of what was never written (minutes)
	@tools/bootstrap --all
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@BIN=$(PROGDIR) tools/check-valgrind

fuzz: ## run every fuzz target for FUZZ_SECONDS (20), starting from tests/corpus/
	@tools/bootstrap --all
	@$(MAKE) --no-print-directory $(PARALLEL) FUZZ=1 fuzz-programs
	@tools/run-fuzzers $(FUZZ_SECONDS) $(FUZZERS:%.c=build/fuzz/%)

fuzz-programs: $(FUZZ_PROGRAMS)

coverage: ## line and branch coverage of the tests, in build/cov/coverage.html
	@tools/bootstrap --all
	@$(MAKE) --no-print-directory $(PARALLEL) COV=1 all tests
	@find build/cov -name '*.gcda' -delete
	@BIN=build/cov/bin tools/run-tests $(TESTS:%.c=build/cov/%) $(BATS)
	@gcovr --root . --object-directory build/cov --exclude tests/ --print-summary --html-details build/cov/coverage.html
	@echo "coverage: build/cov/coverage.html"

bench: bench-programs $(PROGRAMS) ## measure speed and memory (see docs/)
	tools/bench

bench-programs: $(TOOL_PROGRAMS)

demo: bootstrap ## install what is missing, build, judge made-up data sets and models trained on them (2 to 3 minutes)
	@$(MAKE) --no-print-directory $(PARALLEL) all $(BUILD)/tools/demo_page
	@tools/demo

bootstrap: ## install the packages of tools/packages that are missing
	@tools/bootstrap

# What a program of somebody else's needs of the library (examples/): searches on any function, and on a classifier.
HEADERS := base/err.h base/classifier.h validate/sis/sis.h validate/sis/images.h datasets/baseline.h \
           base/file.h base/image.h datasets/dataset.h

# Scripts for whoever trains: installed beside the programs they call.
SCRIPTS := make-ensemble slurm-train sweep

install: $(PROGRAMS) ## install under PREFIX (/usr/local), staged in DESTDIR
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
	    $(DESTDIR)$(PREFIX)/share/marginalia/cfg $(DESTDIR)$(PREFIX)/share/marginalia/datasets
	for p in $(notdir $(PROGRAMS)); do install -m 755 bin/$$p $(DESTDIR)$(PREFIX)/bin/marginalia-$$p || exit 1; done
	for s in $(SCRIPTS); do install -m 755 tools/$$s $(DESTDIR)$(PREFIX)/bin/marginalia-$$s || exit 1; done
	for f in $(wildcard docs/man/*.1); do install -m 644 $$f $(DESTDIR)$(PREFIX)/share/man/man1/ || exit 1; done
	for f in $(wildcard cfg/*.cfg cfg/*.conf datasets/*.conf); do \
	    install -m 644 $$f $(DESTDIR)$(PREFIX)/share/marginalia/$$f || exit 1; done
	install -d $(DESTDIR)$(PREFIX)/lib $(sort $(dir $(HEADERS:%=$(DESTDIR)$(PREFIX)/include/marginalia/%)))
	install -m 644 $(LIB) $(DESTDIR)$(PREFIX)/lib/
	for f in $(HEADERS); do install -m 644 $$f $(DESTDIR)$(PREFIX)/include/marginalia/$$f || exit 1; done

uninstall: ## remove what install put there
	rm -f $(patsubst %,$(DESTDIR)$(PREFIX)/bin/marginalia-%,train validate $(SCRIPTS))
	rm -f $(patsubst docs/man/%,$(DESTDIR)$(PREFIX)/share/man/man1/%,$(wildcard docs/man/*.1))
	rm -f $(DESTDIR)$(PREFIX)/lib/libmarginalia.a
	rm -rf $(DESTDIR)$(PREFIX)/share/marginalia $(DESTDIR)$(PREFIX)/include/marginalia

clean: ## remove build/ and bin/ (never runs/ or data/)
	rm -rf build bin

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

$(PROGRAMS): $(PROGDIR)/%: $(BUILD)/%/main.o $(LIB) $(VERSION_OBJECT)
	@mkdir -p $(@D)
	$(call SAY,link)
	$(QUIET)$(LINK) $(LIBRARIES)

# After "|": a new version alone is no reason to link the tests again.
$(TEST_PROGRAMS): $(BUILD)/%: $(BUILD)/%.o $(call object,$(HELPERS)) $(call part,$(PARTS)) $(LIB) | $(VERSION_OBJECT)
	$(call SAY,link)
	$(QUIET)$(LINK) -lcriterion $(LIBRARIES)

$(FUZZ_PROGRAMS): $(BUILD)/%: $(BUILD)/%.o $(LIB) | $(VERSION_OBJECT)
	$(call SAY,link)
	$(QUIET)$(LINK) -fsanitize=fuzzer $(LIBRARIES)

# A tool that is too long for one file: tools/NAME.c has its main, tools/NAME/*.c the rest. Their
# objects lie in parts/, because the program is called tools/NAME.
$(foreach p,$(PARTS),$(eval $(patsubst %/,$(BUILD)/%,$(dir $(p))): $(call part,$(p))))

$(TOOL_PROGRAMS) $(PROBE_PROGRAMS): $(BUILD)/%: $(BUILD)/%.o $(LIB) $(VERSION_OBJECT)
	$(call SAY,link)
	$(QUIET)$(LINK) $(LIBRARIES)

# stb_image_write shifts bits out of signed numbers when it writes a JPEG.
$(BUILD)/tests/data_fixture.o: C_ALL += -fno-sanitize=shift

# Under another name first, so that a build beside this one never sees half of it.
$(LIB): $(LIB_OBJECTS)
	$(call SAY,archive)
	$(QUIET)new=$@.$$$$ && rm -f $$new && $(AR) rcs $$new $^ && mv -f $$new $@

# What a newcomer meets first when something is not installed.
$(DARKNET)/include/darknet.h:
	@test -e $@ || { echo "$@ is missing; run tools/bootstrap, or make DARKNET=/folder/of/libdarknet.so" >&2; exit 1; }

$(BUILD)/%.o: %.c | $(DARKNET)/include/darknet.h
	@mkdir -p $(@D)
	$(call SAY,compile)
	$(QUIET)$(COMPILE)

$(BUILD)/parts/%.o: %.c
	@mkdir -p $(@D)
	$(call SAY,compile)
	$(QUIET)$(COMPILE)

define kernel_rule
$$(BUILD)/%_$(1).o: %.c | $$(DARKNET)/include/darknet.h
	@mkdir -p $$(@D)
	$$(call SAY,compile)
	$$(QUIET)$$(COMPILE) $$(KERNEL_FLAGS) $$(ISA_FLAGS_$(1)) -DKERNELS_ISA=$(1)
endef
$(foreach isa,$(ISAS),$(eval $(call kernel_rule,$(isa))))

# The version lives in one small object that is rebuilt when the version changes, and only then.
VERSION  := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
REVISION := $(shell git rev-parse --verify -q HEAD 2>/dev/null || echo unknown)
$(BUILD)/version.txt: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION) $(REVISION)' | cmp -s - $@ || echo '$(VERSION) $(REVISION)' >$@
$(VERSION_OBJECT): CPP_ALL += -DVERSION='"$(VERSION)"' -DREVISION='"$(REVISION)"'
$(VERSION_OBJECT): $(BUILD)/version.txt

# Built anew when MPI is turned on or off.
RANKS_OBJECTS := $(call object,base/ranks.c base/ranks_alone.c)
$(BUILD)/mpi.txt: FORCE
	@mkdir -p $(@D)
	@echo '$(MPI_PACKAGE)' | cmp -s - $@ || echo '$(MPI_PACKAGE)' >$@
$(RANKS_OBJECTS): CPP_ALL += $(MPI_FLAGS)
$(RANKS_OBJECTS): $(BUILD)/mpi.txt

-include $(patsubst %.o,%.d,$(LIB_OBJECTS) $(VERSION_OBJECT))
-include $(patsubst %.c,$(BUILD)/%.d,$(MAINS) $(TESTS) $(PROBES) $(FUZZERS) $(HELPERS) $(TOOLS))
-include $(patsubst %.o,%.d,$(call part,$(PARTS)))
