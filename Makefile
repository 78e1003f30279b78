# Turnpike: `make run` starts everything, `make test` proves it, `make help` explains every target.

BUILD   ?= build
CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
PG_BIN  ?= /usr/lib/postgresql/15/bin

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wswitch-enum \
            -Wimplicit-fallthrough -fno-common -Werror
HARDEN   := -fPIE -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero
OPT      ?= -O2 -D_FORTIFY_SOURCE=2
LINK     := -pie -Wl,-z,relro,-z,now,-z,noexecstack
CLANG    := $(findstring clang,$(shell $(CC) --version 2>/dev/null | head -1))
ifneq ($(CLANG),)
# clang 14 wants to hear twice that zeroing is meant.
HARDEN   += -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang
else
WARNINGS += -Wnull-dereference
endif
ifeq ($(COVER),counters)
# What is reached alone, not what is compared: a fifth of the cost.
HARDEN   += -fsanitize-coverage=inline-8bit-counters,pc-table
else ifdef COVER
HARDEN   += -fsanitize=fuzzer-no-link
endif
ifdef SAN
OPT      := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
LINK     += -fsanitize=address,undefined
endif

PKGS     := libevent libevent_openssl libssl libcrypto jansson libpq libcurl libzstd
VERSION  := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
CPPFLAGS := -I. -Igateway -D_GNU_SOURCE -DTURNPIKE_VERSION='"0.1.0"' \
            $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PKGS) 2>/dev/null)) \
            -isystem /usr/share/include/llhttp -isystem /usr/include/postgresql
CFLAGS   := -std=gnu11 -g $(OPT) $(WARNINGS) $(HARDEN)
LIBS     := $(shell pkg-config --libs $(PKGS) 2>/dev/null || echo -levent_openssl -levent -lssl -lcrypto -ljansson -lpq -lcurl -lzstd) -lm

# Modules, from the top level of the tree down: each links against those after it.
MODULES   := process dashboard webhook api payment sandbox http ledger router providers base
DIR_base      := gateway/base
DIR_http      := gateway/http
DIR_ledger    := gateway/ledger
DIR_router    := router
DIR_providers := providers
DIR_sandbox   := providers/sandbox
DIR_payment   := gateway/payment
DIR_api       := gateway/api
DIR_webhook   := gateway/webhook
DIR_dashboard := gateway/dashboard
DIR_process   := gateway/process

# What a module's tests link, besides itself.
NEEDS_base      := base
NEEDS_http      := http base
NEEDS_ledger    := ledger base
NEEDS_router    := router base
NEEDS_providers := providers base
NEEDS_sandbox   := sandbox http providers base
NEEDS_payment   := payment sandbox http ledger router providers base
NEEDS_api       := api payment http ledger router providers base
NEEDS_webhook   := webhook payment http ledger router providers base
NEEDS_dashboard := dashboard api payment http ledger router providers base
NEEDS_process   := $(MODULES)

define module_rules
SRC_$(1) := $$(filter-out $$(DIR_$(1))/main.c,$$(wildcard $$(DIR_$(1))/*.c))
OBJ_$(1) := $$(SRC_$(1):%.c=$$(BUILD)/obj/%.o)
ifeq ($(1),http)
OBJ_$(1) += $$(BUILD)/obj/llhttp/llhttp.o $$(BUILD)/obj/llhttp/api.o $$(BUILD)/obj/llhttp/http.o
endif
$$(BUILD)/lib$(1).a: $$(OBJ_$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module_rules,$(m))))

.DEFAULT_GOAL := help

# ---- front door -------------------------------------------------------------------------------

## run             Install, build, start everything, send sample payments, serve until Ctrl-C
##                 (PORT= OPS_PORT= SANDBOX_PORT= WORKERS= DELAY_MS= DEMO=0)
.PHONY: run
run:
	@config/dev/packages.sh run
	@echo "-- build"
	@$(MAKE) --no-print-directory -j$$(nproc) build
	@PORT=$(PORT) OPS_PORT=$(OPS_PORT) SANDBOX_PORT=$(SANDBOX_PORT) DEMO=$(DEMO) WORKERS=$(WORKERS) \
	    DELAY_MS=$(DELAY_MS) exec config/dev/run.sh
PORT         ?= 8443
OPS_PORT     ?= 8444
SANDBOX_PORT ?= 9443
DEMO         ?= 1
WORKERS      ?= -1
DELAY_MS     ?= 50

## stop            End what `make run` started in this folder
.PHONY: stop
stop:
	@config/dev/stop.sh

## psql            Open the running database as the gateway's role
## psql-finance    Open it as the demo merchant's finance staff (views of schema finance, read only)
.PHONY: psql psql-finance
psql psql-finance:
	@test -s var/ready.json || { echo "turnpike: nothing runs here; start it with: make run" >&2; exit 1; }
	@exec psql "$$(jq -r .$(if $(findstring finance,$@),finance_database,database) var/ready.json)" $(PSQL)

## test            All tests: lint, unit, sanitizers, simulation, end to end, crash sample
.PHONY: test
test:
	@config/dev/packages.sh run test
	@tests/run.sh

## check           The quick loop, at most 60 s: build, lint, unit tests
.PHONY: check
check:
	@config/dev/packages.sh run test
	@$(MAKE) --no-print-directory -j$$(nproc) build
	@$(MAKE) --no-print-directory lint-quick
	@UNIT_ROUNDS=10 $(MAKE) --no-print-directory -j$$(nproc) unit

## bare            Both front-door commands in a freshly debootstrapped Debian 12 folder (root)
.PHONY: bare
bare:
	@config/dev/packages.sh bare
	@tests/e2e/bare.sh

## contract        The OpenAPI document by a linter, and a Prism proxy before the gateway in end-to-end suites (SUITE=names)
.PHONY: contract
contract: build
	@config/dev/packages.sh run clients
	@tests/contract/run.sh "$(SUITE)"

## pages           The dashboard in a real browser (installs chromium; CASE=name of one case)
.PHONY: pages
pages: build
	@tests/e2e/pages.sh $(CASE)

## build           Compile the turnpike binary into build/
.PHONY: build
build: $(BUILD)/turnpike

$(BUILD)/turnpike: $(BUILD)/obj/gateway/process/main.o $(MODULES:%=$(BUILD)/lib%.a)
	@echo "link $@"
	@$(CC) $(CFLAGS) $(LINK) -o $@ $(BUILD)/obj/gateway/process/main.o \
	    -Wl,--start-group $(MODULES:%=$(BUILD)/lib%.a) -Wl,--end-group $(LIBS)

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "cc $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The dashboard's files, linked into the binary; what comes from npm lies packed beside them.
WEB := $(sort $(wildcard gateway/dashboard/web/*.html gateway/dashboard/web/*.svg gateway/dashboard/web/*.css gateway/dashboard/web/*.js \
       gateway/dashboard/web/lib/*.js gateway/dashboard/web/pages/*.js gateway/dashboard/packed/*.js gateway/dashboard/packed/*.css))
$(BUILD)/web/web_table.inc: gateway/dashboard/web/table.sh $(WEB)
	@mkdir -p $(@D)
	@gateway/dashboard/web/table.sh $@ $(WEB)
$(BUILD)/obj/gateway/dashboard/assets.o: $(BUILD)/web/web_table.inc
$(BUILD)/obj/gateway/dashboard/assets.o: CPPFLAGS += -I$(BUILD)/web

## web             Fetch what the dashboard's pages take from npm, by the lock file, into gateway/dashboard/packed
.PHONY: web
web:
	@config/dev/packages.sh clients
	@gateway/dashboard/web/pack.sh

$(BUILD)/obj/llhttp/%.o: /usr/share/llhttp/%.c
	@mkdir -p $(@D)
	@$(CC) -isystem /usr/share/include/llhttp -DLLHTTP_STRICT_MODE=1 -std=gnu11 -g $(OPT) $(HARDEN) -w -c -o $@ $<

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# ---- unit tests -------------------------------------------------------------------------------

M ?= $(filter $(MODULES),$(notdir $(wildcard tests/unit/*)))
TESTS = $(foreach m,$(M),$(patsubst tests/unit/$(m)/test_%.c,$(BUILD)/unit/$(m)/%,\
        $(wildcard tests/unit/$(m)/test_$(if $(T),$(T),*).c)))

define unit_rules
$$(BUILD)/unit/$(1)/%: $$(BUILD)/obj/tests/unit/$(1)/test_%.o $$(NEEDS_$(1):%=$$(BUILD)/lib%.a)
	@mkdir -p $$(@D)
	@$$(CC) $$(CFLAGS) $$(LINK) -o $$@ $$< -Wl,--start-group $$(NEEDS_$(1):%=$$(BUILD)/lib%.a) \
	    -Wl,--end-group $$(LIBS) -lcmocka
endef
$(foreach m,$(MODULES),$(eval $(call unit_rules,$(m))))
.PRECIOUS: $(BUILD)/obj/%.o

## unit            Unit tests (M=module, T=name of one program, SAN=1 for ASan and UBSan)
.PHONY: unit
unit: $(TESTS)
	@tests/unit/run.sh "$(BUILD)" $(TESTS)

# ---- lint ---------------------------------------------------------------------------------------

## lint            Layers, sizes, format, tables, clang's warnings, clang-tidy, cppcheck
.PHONY: lint lint-quick format
lint: lint-quick
	@LINT_FLAGS='$(subst ',,$(CPPFLAGS)) -I$(BUILD)/web $(filter-out -Wnull-dereference,$(WARNINGS))' tests/lint/analyse.sh $(BUILD)
lint-quick:
	@$(MAKE) --no-print-directory -j$$(nproc) build
	@tests/lint/layers.sh
	@tests/lint/sizes.sh
	@tests/lint/format.sh
	@$(MAKE) --no-print-directory $(BUILD)/lint/ledger_tables
	@tests/lint/tables.sh $(BUILD)
	@tests/lint/rules.sh
	@tests/lint/crash.sh $(BUILD)
	@node tests/lint/fee_cases.mjs

## format          Let clang-format write every C file
format:
	@find gateway router providers tests -name '*.[ch]' -not -path '*/node_modules/*' | xargs clang-format -i

# The chart of accounts and the entries of every event, from the code.
$(BUILD)/lint/ledger_tables: $(BUILD)/obj/tests/lint/ledger_tables.o $(BUILD)/libledger.a $(BUILD)/libbase.a
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(LIBS)

## docs-tables     Write config/turnpike.conf and the tables of docs/config.md and docs/ledger.md from the code
.PHONY: docs-tables
docs-tables: build $(BUILD)/lint/ledger_tables
	@tests/lint/write_tables.sh $(BUILD)

## man             Manual pages below $(BUILD)/man, from docs/man: turnpike(1), turnpike.conf(5)
.PHONY: man
man:
	@config/dev/packages.sh man
	@mkdir -p $(BUILD)/man
	@for page in docs/man/*.scd; do name=$${page##*/}; scdoc <$$page >$(BUILD)/man/$${name%.scd} || exit 1; done
	@echo "$(BUILD)/man: man -l $(BUILD)/man/turnpike.1"

## crash           Crash matrix: crash points x faults x ROUNDS=5 on real processes; goes on where it was stopped
##                 (PART=i/n SEED=n; CELL=point:fault:round repeats one; ONLY=point FAULT=name SET=payments|operations, FRESH=1 anew)
.PHONY: crash crash-build
crash: crash-build
	@BUILD=$(BUILD)/crash ROUNDS=$(or $(ROUNDS),5) PART=$(or $(PART),1/1) SEED=$(SEED) CELL=$(CELL) ONLY=$(ONLY) FAULT=$(FAULT) SET=$(SET) FRESH=$(FRESH) \
	    node tests/crash/matrix.mjs
crash-build: build
	@$(MAKE) --no-print-directory -j$$(nproc) $(BUILD)/crash/turnpike

# The same gateway, its few files with crash points compiled anew; no product has them.
CRASH_SRC := $(shell grep -rl --include=*.c '"base/crash.h"' gateway providers)
$(BUILD)/crash/turnpike: $(CRASH_SRC:%.c=$(BUILD)/obj-crash/%.o) $(MODULES:%=$(BUILD)/lib%.a)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) -o $@ $(CRASH_SRC:%.c=$(BUILD)/obj-crash/%.o) \
	    -Wl,--start-group $(MODULES:%=$(BUILD)/lib%.a) -Wl,--end-group $(LIBS)

$(BUILD)/obj-crash/%.o: %.c Makefile
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -DCRASH_POINTS -MMD -MP -c -o $@ $<

## crash-trace     Traces of the simulator played on real processes; both must end alike (SEED=1 TRACES=24, CASE=one)
.PHONY: crash-trace
crash-trace: crash-build $(BUILD)/sim/sim
	@BUILD=$(BUILD)-crash SIM_BUILD=$(BUILD) SEED=$(SEED) TRACES=$(TRACES) CASE=$(CASE) node tests/crash/trace.mjs

## soak            Hours of load under ASan and as shipped, with faults: memory, descriptors, connections flat?
##                 (HOURS=2 RATE=orders/s, else half of the peak; LANES=asan,plain; LEAK=memory|kept|descriptor)
.PHONY: soak
soak:
	@$(MAKE) --no-print-directory -j$$(nproc) build
	@$(MAKE) --no-print-directory -j$$(nproc) BUILD=$(BUILD)-san SAN=1 $(BUILD)-san/turnpike-soak
	@BUILD=$(BUILD) ASAN_BUILD=$(BUILD)-san HOURS=$(HOURS) RATE=$(RATE) LEAK=$(LEAK) node tests/crash/soak.mjs

# It says what it holds; with LEAK, it has a leak of our own: does the soak find it?
$(BUILD)/turnpike-soak: $(BUILD)/turnpike $(BUILD)/obj/tests/crash/leak.o
	@$(CC) $(CFLAGS) $(LINK) -Wl,--wrap=exchange_free -o $@ $(BUILD)/obj/gateway/process/main.o $(BUILD)/obj/tests/crash/leak.o \
	    -Wl,--start-group $(MODULES:%=$(BUILD)/lib%.a) -Wl,--end-group $(LIBS)

## mutants         One change at a time in core, router, posting, money and judging: some test must go red
##                 (COUNT=500 SEED=1 PART=i/n LIMIT=seconds FILES=text; ONLY=id; AGAIN=survived; LIST=1)
.PHONY: mutants
mutants:
	@config/dev/packages.sh run test
	@$(MAKE) --no-print-directory -j$$(nproc) build $(BUILD)/sim/sim $$(BUILD=$(BUILD) node tests/mutants/mutants.mjs prerequisites)
	@BUILD=$(BUILD) SEED=$(SEED) MUTANTS_CC='$(CC)' MUTANTS_CFLAGS='$(subst ',,$(CPPFLAGS)) $(CFLAGS)' MUTANTS_LINK='$(LINK)' \
	    MUTANTS_LIBS='$(LIBS)' MUTANTS_SIM='$(SIM_SRC:%.c=$(BUILD)/obj/%.o) $(SIM_CORE:%.c=$(BUILD)/obj/%.o)' node tests/mutants/mutants.mjs
## crash-commits   Lost commits: what became of them is found out (KIND=wire|stop|promote|cancel|odd
##                 PART=i/n SEED=1 ROUND=n ROUNDS=n FRESH=1); goes on where it was stopped
.PHONY: crash-commits
crash-commits: build
	@BUILD=$(BUILD) KIND=$(KIND) PART=$(PART) SEED=$(SEED) ROUND=$(ROUND) \
	    ROUNDS=$(if $(filter command line environment,$(origin ROUNDS)),$(ROUNDS)) FRESH=$(FRESH) node tests/crash/commits.mjs

## restore-drill   PITR under load: the gateway reconciles first (SECONDS=10 or MINUTES=10, CLIENTS=12, CASE=name)
.PHONY: restore-drill
restore-drill: build
	@PG_FAST=1 SECONDS=$(or $(SECONDS),10) $(if $(MINUTES),MINUTES=$(MINUTES)) CLIENTS=$(or $(CLIENTS),12) \
	    node tests/crash/restore.mjs $(CASE)

## tamper          A sealed ledger is tampered with as its superuser, COUNT=10000 times from SEED=1: verify must find each
##                 (PART=i/n; ONLY=n repeats one; ANCHORS=none shows what the anchors are for)
.PHONY: tamper
tamper: build
	@BUILD=$(BUILD) COUNT=$(COUNT) SEED=$(if $(filter command line environment,$(origin SEED)),$(SEED)) PART=$(PART) ONLY=$(ONLY) ANCHORS=$(ANCHORS) \
	    node tests/tamper/tamper.mjs

## model           The failover rule in Promela, searched exhaustively, and each safeguard taken out (Spin;
##                 VARIANT=name of one, told line by line)
.PHONY: model
model:
	@config/dev/packages.sh model
	@tests/model/run.sh $(BUILD) $(VARIANT)

## linear          Are answers under one key linearizable, through killed and stopped workers? (KEYS=1000 SEED=)
.PHONY: linear
linear: build
	@KEYS=$(or $(KEYS),1000) $(if $(filter command line environment,$(origin SEED)),SEED=$(SEED)) BUILD=$(BUILD) \
	    node tests/e2e/linear.mjs histories_are_linearizable

## reloads         Reload campaign: reloads and killed workers under load (RELOADS=1000 KILLS=100)
.PHONY: reloads
reloads: build
	@RELOADS=$(or $(RELOADS),1000) KILLS=$(or $(KILLS),100) BUILD=$(BUILD) \
	    node tests/e2e/reload.mjs reloads_and_kills_lose_nothing

## webhooks-orders All 720 orders of a payment's six webhooks, each one to five times (SEED=1 ROUNDS=1, a seed each)
.PHONY: webhooks-orders
webhooks-orders: build
	@for i in $$(seq 0 $$(($(or $(ROUNDS),1) - 1))); do \
	    BUILD=$(BUILD) ORDERS=720 SEED=$$(($(SEED) + i)) node tests/e2e/webhooks.mjs every_order_of_six_events || exit 1; done

## e2e             End-to-end suites (SUITE=name)
.PHONY: e2e e2e-build
e2e: e2e-build
	@tests/e2e/run.sh $(SUITE)
e2e-build: build $(BUILD)/e2e/unpack

$(BUILD)/e2e/unpack: $(BUILD)/obj/tests/e2e/unpack.o $(BUILD)/libbase.a
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(LIBS)

## clients         PayPal's published client libraries against the sandbox (npm)
.PHONY: clients
clients: build
	@config/dev/packages.sh run clients
	@BUILD=$(BUILD) tests/e2e/sandbox_clients/run.sh

## help            This list
.PHONY: help
help:
	@sed -n 's/^## \{0,1\}//p' Makefile

## clean           Remove build/ (var/ stays)
.PHONY: clean
clean:
	rm -rf $(BUILD) $(BUILD)-san $(BUILD)-clang $(BUILD)-fuzz $(BUILD)-fuzz-fast \
	    $(BUILD)-fuzz-san $(BUILD)-sim

# ---- attack -----------------------------------------------------------------------------------

## attack          Malformed requests through haproxy and nginx, 10,000 slow clients, floods
##                 (SUITE=attack_proxy|attack_slow, CASE=name of one case)
.PHONY: attack
attack:
	@config/dev/packages.sh run test attack
	@$(MAKE) --no-print-directory -j$$(nproc) build $(BUILD)/attack/slow $(BUILD)/bench/load
	@BUILD=$(BUILD) tests/attack/run.sh "$(SUITE)" "$(CASE)"

$(BUILD)/attack/slow: $(BUILD)/obj/tests/attack/slow.o
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) -o $@ $^ -lssl -lcrypto

# ---- bench --------------------------------------------------------------------------------------

## bench           The gateway against pgbench and a Fastify service, in one run (PART=a,b,c,d,e,f
##                 ROUNDS=3 SECONDS=6 WORKERS=); result: var/bench.json, see docs/benchmarks.md
.PHONY: bench
bench:
	@config/dev/packages.sh run bench
	@$(MAKE) --no-print-directory -j$$(nproc) build $(BUILD)/bench/load
	@tests/bench/modules.sh
	@BUILD=$(BUILD) PART=$(PART) ONLY=$(ONLY) ROUNDS=$(ROUNDS) SECONDS=$(BENCH_SECONDS) node tests/bench/bench.mjs

## bench-10m       The same closed loop and reads on a ledger of ten million payments, made once in
##                 var/bench-10m and gone on with when stopped (PAYMENTS=10000000 ROUNDS=3 SECONDS=8)
.PHONY: bench-10m
bench-10m:
	@config/dev/packages.sh run bench
	@$(MAKE) --no-print-directory -j$$(nproc) build $(BUILD)/bench/load $(BUILD)/bench/fill
	@tests/bench/modules.sh
	@BUILD=$(BUILD) PAYMENTS=$(if $(filter command line environment,$(origin PAYMENTS)),$(PAYMENTS)) \
	    ROUNDS=$(ROUNDS) SECONDS=$(BENCH_SECONDS) node tests/bench/big.mjs

## bench-ledger    What finance waits for on that ledger: lookups, past balances, statements, the export of all of it;
##                 and PostgreSQL's CPU per payment next to an empty ledger (PAYMENTS=10000000 ROUNDS=3 SECONDS=8)
.PHONY: bench-ledger
bench-ledger:
	@config/dev/packages.sh run bench
	@$(MAKE) --no-print-directory -j$$(nproc) build $(BUILD)/bench/load $(BUILD)/bench/fill
	@tests/bench/modules.sh
	@BUILD=$(BUILD) PAYMENTS=$(if $(filter command line environment,$(origin PAYMENTS)),$(PAYMENTS)) \
	    ROUNDS=$(ROUNDS) SECONDS=$(BENCH_SECONDS) node tests/bench/ledger.mjs

## bench-archive   Bytes of a payment before and after it was archived, table by table, and what archiving and
##                 restoring take (PAYMENTS=50000; a ledger of its own, made for it)
.PHONY: bench-archive
bench-archive:
	@config/dev/packages.sh run bench
	@$(MAKE) --no-print-directory -j$$(nproc) build $(BUILD)/bench/load $(BUILD)/bench/fill
	@BUILD=$(BUILD) BENCH_LEDGER=bench-archive PAYMENTS=$(if $(filter command line environment,$(origin PAYMENTS)),$(PAYMENTS),50000) \
	    node tests/bench/archive.mjs

## profile         Where the gateway's CPU goes at saturation, by library and function (perf;
##                 CONNECTIONS=512 SECONDS=8 OF=gateway|postgres|sandbox)
.PHONY: profile
profile:
	@config/dev/packages.sh run profile
	@$(MAKE) --no-print-directory -j$$(nproc) build $(BUILD)/bench/load
	@BUILD=$(BUILD) CONNECTIONS=$(CONNECTIONS) OF=$(OF) SECONDS=$(BENCH_SECONDS) node tests/bench/profile.mjs
# SECONDS has a default for fuzzing; only one that was asked for counts here.
BENCH_SECONDS = $(if $(filter command line environment,$(origin SECONDS)),$(SECONDS))

$(BUILD)/bench/load: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/bench/load/*.c))
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(LIBS) -lm -lpthread

$(BUILD)/bench/listen: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/bench/listen/*.c))
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(LIBS)

$(BUILD)/bench/fill: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/bench/fill/*.c))
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(LIBS)

# ---- fuzzing ----------------------------------------------------------------------------------

FUZZ_TARGETS          := http_parser json_body idempotency_key amount rules rule_program config_file provider_answer \
                         batch_rows webhook
FUZZ                  ?= $(FUZZ_TARGETS)
SECONDS               ?= 60
FUZZ_http_parser      := http base
FUZZ_rules            := router base
FUZZ_rule_program     := router base
FUZZ_WITH_rules       := $(BUILD)/obj/tests/fuzz/rule_checks.o $(BUILD)/obj/tests/fuzz/gen.o
FUZZ_WITH_rule_program := $(FUZZ_WITH_rules)
FUZZ_LINK_rules       := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free,--wrap=zone_load
FUZZ_LINK_rule_program := $(FUZZ_LINK_rules)
FUZZ_provider_answer  := providers base
FUZZ_webhook          := providers base
FUZZ_json_body        := $(MODULES)
FUZZ_batch_rows       := $(MODULES)
FUZZ_idempotency_key  := payment base
FUZZ_amount           := $(MODULES)
FUZZ_config_file      := $(MODULES)

define fuzz_rules
$$(BUILD)/fuzz/$(1): $$(BUILD)/obj/tests/fuzz/$(1).o $$(FUZZ_WITH_$(1)) $$(FUZZ_$(1):%=$$(BUILD)/lib%.a)
	@mkdir -p $$(@D)
	@$$(CC) $$(CFLAGS) $$(LINK) $$(FUZZ_LINK_$(1)) -fsanitize=fuzzer -o $$@ $$< $$(FUZZ_WITH_$(1)) -Wl,--start-group \
	    $$(FUZZ_$(1):%=$$(BUILD)/lib%.a) -Wl,--end-group $$(LIBS)
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz_rules,$(t))))

ifeq ($(COVER),counters)
# Only what is reached in router/ teaches something; the rest costs a quarter of the time.
$(BUILD)/obj/tests/fuzz/%.o $(BUILD)/obj/gateway/%.o: CFLAGS += -fno-sanitize-coverage=inline-8bit-counters,pc-table
endif
# The generator of rule files, asked by octets (rule_checks.h).
$(BUILD)/obj/tests/fuzz/gen.o: tests/router/gen.c Makefile
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -Drng_below=fuzz_choose -MMD -MP -c -o $@ $<

## fuzz            Fuzz what strangers send (FUZZ=target, SECONDS=60 each; clang and libFuzzer)
.PHONY: fuzz fuzz-programs
fuzz:
	@config/dev/packages.sh run fuzz
	@$(MAKE) --no-print-directory -j$$(nproc) BUILD=$(BUILD)-fuzz CC=clang SAN=1 COVER=1 fuzz-programs
	@tests/fuzz/run.sh $(BUILD)-fuzz $(SECONDS) $(FUZZ)
fuzz-programs: $(FUZZ:%=$(BUILD)/fuzz/%)
	@:

## fuzz-router     Fuzz lexer, parser, checker, compiler and evaluator of rules: RUNS=100000000 executions in all,
##                 goes on where it was stopped (PART=i/n: one process per core; SECONDS= at most)
.PHONY: fuzz-router
FUZZ_ROUTER := FUZZ="rules rule_program" CC=clang fuzz-programs
fuzz-router:
	@config/dev/packages.sh run fuzz
	@$(MAKE) --no-print-directory -j$$(nproc) BUILD=$(BUILD)-fuzz-fast COVER=counters $(FUZZ_ROUTER) \
	    OPT="-O2 -fsanitize=undefined -fno-sanitize-recover=all -fsanitize-trap=undefined"
	@$(MAKE) --no-print-directory -j$$(nproc) BUILD=$(BUILD)-fuzz-san COVER=counters SAN=1 $(FUZZ_ROUTER)
	@tests/fuzz/router.sh $(BUILD)-fuzz-fast $(BUILD)-fuzz-san $(or $(RUNS),100000000) $(or $(PART),1/1) $(BENCH_SECONDS)

# What `make test` runs of it: the kept inputs and some mutants of them.
FUZZ_SAMPLE := rules rule_program
$(FUZZ_SAMPLE:%=$(BUILD)/fuzz/%_replay): $(BUILD)/fuzz/%_replay: $(BUILD)/obj/tests/fuzz/%.o \
        $(BUILD)/obj/tests/fuzz/replay.o $(FUZZ_WITH_rules) $(BUILD)/librouter.a $(BUILD)/libbase.a
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) $(FUZZ_LINK_rules) -o $@ $^ $(LIBS)

.PHONY: fuzz-sample
fuzz-sample: $(FUZZ_SAMPLE:%=$(BUILD)/fuzz/%_replay)
	@for target in $(FUZZ_SAMPLE); do \
	    rm -rf $(BUILD)/fuzz/$$target.replay && mkdir -p $(BUILD)/fuzz/$$target.replay && \
	    tar -xzf tests/fuzz/corpus/$$target.tar.gz -C $(BUILD)/fuzz/$$target.replay && \
	    $(BUILD)/fuzz/$${target}_replay $(SEED) $(or $(MUTANTS),5000) $(BUILD)/fuzz/$$target.replay || exit 1; done

# ---- router -----------------------------------------------------------------------------------

ROUTER_OBJ = $(patsubst %.c,$(BUILD)/obj/%.o,tests/router/gen.c $(wildcard router/*.c) $(wildcard gateway/base/*.c))

$(BUILD)/router/%: $(BUILD)/obj/tests/router/%.o $(ROUTER_OBJ)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(LIBS)

## router-differ   The router's program against its plain interpreter (PAIRS=10000000 SEED=1)
.PHONY: router-differ
router-differ: $(BUILD)/router/differ
	@$< $(SEED) $(or $(PAIRS),10000000)

# What `make test` runs of them.
.PHONY: router-proof
router-proof: $(BUILD)/router/differ $(BUILD)/router/replayed $(BUILD)/router/brute $(BUILD)/router/backtested
	@$(BUILD)/router/differ 1 1000000
	@$(BUILD)/router/replayed 1 20000
	@$(BUILD)/router/brute 1 1000
	@$(BUILD)/router/backtested 1 20 40000

$(BUILD)/router/replayed: $(BUILD)/obj/tests/router/replayed.o $(ROUTER_OBJ) \
                          $(BUILD)/obj/gateway/payment/replay.o $(BUILD)/obj/gateway/payment/facts_stored.o
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(LIBS)

## router-replay   Decisions made again from their records, as they are stored (PAIRS=100000 SEED=1)
.PHONY: router-replay
router-replay: $(BUILD)/router/replayed
	@$< $(SEED) $(or $(PAIRS),100000)

## router-brute    What the checker calls unreachable, against brute force (FILES=20000 SEED=1)
.PHONY: router-brute
router-brute: $(BUILD)/router/brute
	@$< $(SEED) $(or $(FILES),20000)

BACKTEST_OBJ = $(patsubst %,$(BUILD)/obj/gateway/%.o,payment/backtest payment/backtest_cells payment/backtest_choice \
                 payment/backtest_fees payment/backtest_hours payment/estimate payment/facts_stored ledger/past ledger/finder)

$(BUILD)/router/backtested: $(BUILD)/obj/tests/router/backtested.o $(ROUTER_OBJ) $(BACKTEST_OBJ)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(LIBS) -lm

## router-backtest-trials  Backtests of histories whose truth is known: fees within 0.5 %, success inside
##                 its stated interval of 95 % in 19 of 20 (TRIALS=20 PAYMENTS=40000 SEED=1)
.PHONY: router-backtest-trials
router-backtest-trials: $(BUILD)/router/backtested
	@$< $(SEED) $(or $(TRIALS),20) $(if $(filter command line environment,$(origin PAYMENTS)),$(PAYMENTS),40000)

## bench-backtest  How long a backtest of a million payments takes, PostgreSQL included (PAYMENTS= ROUNDS=3)
.PHONY: bench-backtest
bench-backtest: build
	@BUILD=$(BUILD) PAYMENTS=$(if $(filter command line environment,$(origin PAYMENTS)),$(PAYMENTS)) ROUNDS=$(ROUNDS) node tests/bench/backtest.mjs

## bench-rules     What 100 rules cost the gateway in CPU per payment, in turn with one rule
##                 (PAIRS=25 SECONDS=2 RATE=1200)
.PHONY: bench-rules
bench-rules:
	@config/dev/packages.sh run bench
	@$(MAKE) --no-print-directory -j$$(nproc) build $(BUILD)/bench/load
	@BUILD=$(BUILD) PAIRS=$(if $(filter command line environment,$(origin PAIRS)),$(PAIRS)) RATE=$(RATE) \
	    CONNECTIONS=$(CONNECTIONS) SECONDS=$(BENCH_SECONDS) node tests/bench/rules.mjs

## bench-seal      What sealing costs, in CPU per payment of gateway, sealer and PostgreSQL, in turn without it
##                 (PAIRS=6 SECONDS=20 RATE=800; at most 3 %)
.PHONY: bench-seal
bench-seal:
	@config/dev/packages.sh run bench
	@$(MAKE) --no-print-directory -j$$(nproc) build $(BUILD)/bench/load
	@BUILD=$(BUILD) PAIRS=$(if $(filter command line environment,$(origin PAIRS)),$(PAIRS)) RATE=$(RATE) \
	    CONNECTIONS=$(CONNECTIONS) SECONDS=$(BENCH_SECONDS) node tests/bench/seal.mjs

## bench-streams   What 10,000 listeners to event streams cost a payment, in CPU of gateway and PostgreSQL, in turn
##                 without them (PAIRS=6 SECONDS=10 RATE=600 LISTENERS=10000 MERCHANTS=2500; at most 5 %)
.PHONY: bench-streams
bench-streams:
	@config/dev/packages.sh run bench
	@$(MAKE) --no-print-directory -j$$(nproc) build $(BUILD)/bench/load $(BUILD)/bench/listen
	@BUILD=$(BUILD) PAIRS=$(if $(filter command line environment,$(origin PAIRS)),$(PAIRS)) RATE=$(RATE) LISTENERS=$(LISTENERS) \
	    MERCHANTS=$(MERCHANTS) CONNECTIONS=$(CONNECTIONS) SECONDS=$(BENCH_SECONDS) node tests/bench/streams.mjs

## bench-journal   What the journal beside the ledger costs the gateway in CPU per payment, in turn without
##                 it (PAIRS=9 SECONDS=4 RATE=1200)
.PHONY: bench-journal
bench-journal:
	@config/dev/packages.sh run bench
	@$(MAKE) --no-print-directory -j$$(nproc) build $(BUILD)/bench/load
	@BUILD=$(BUILD) PAIRS=$(if $(filter command line environment,$(origin PAIRS)),$(PAIRS)) RATE=$(RATE) \
	    CONNECTIONS=$(CONNECTIONS) SECONDS=$(BENCH_SECONDS) node tests/bench/journal.mjs

## replay-ledger   Decisions of a real gateway made again from its ledger: all identical, and what was
##                 changed there is found (PAYMENTS=100000 SEED=1 CLIENTS=96)
.PHONY: replay-ledger
replay-ledger: build
	@BUILD=$(BUILD) PAYMENTS=$(if $(filter command line environment,$(origin PAYMENTS)),$(PAYMENTS)) \
	    SEED=$(if $(filter command line environment,$(origin SEED)),$(SEED)) CLIENTS=$(CLIENTS) node tests/bench/replay.mjs

## bench-router    What a decision takes with 100 and 10,000 rules (ROUNDS=5)
.PHONY: bench-router
bench-router: $(BUILD)/router/bench
	@$< $(if $(filter command line environment,$(origin ROUNDS)),$(ROUNDS),5)

## privileges      Role x table x verb in the database, exactly (tests/privileges/matrix.txt), each tried; and whether a
##                 finance login can read rows of another merchant, whatever it sets
.PHONY: privileges
privileges: $(BUILD)/turnpike
	@BUILD=$(BUILD) tests/privileges/run.sh

# ---- postings ---------------------------------------------------------------------------------

POSTINGS_SRC := $(wildcard tests/postings/*.c)

$(BUILD)/postings/postings: $(POSTINGS_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/libledger.a $(BUILD)/libbase.a
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(LIBS)

## postings        Random lives of a merchant's money, booked by the table of posting.c: balanced after every event
##                 (COUNT=10000000 SEED=1 PART=i/n; CASE=number tells one)
.PHONY: postings postings-sample
postings: $(BUILD)/postings/postings
	@$< $(SEED) $(or $(COUNT),10000000) $(subst /, ,$(or $(PART),1/1)) $(CASE)

# What `make test` runs of it.
postings-sample: $(BUILD)/postings/postings
	@$< $(SEED) 100000 1 1

# ---- simulator --------------------------------------------------------------------------------

SIM_SRC  := $(filter-out tests/sim/main.c,$(wildcard tests/sim/*.c)) \
            $(patsubst %,gateway/base/%.c,clock error rng str terms)
SIM_CORE := $(wildcard gateway/payment/orchestrate*.c) gateway/payment/attempt.c gateway/payment/plan.c \
            gateway/payment/ruling.c
SEED     ?= 1
SIM_PAYMENTS = $(if $(filter command line environment,$(origin PAYMENTS)),$(PAYMENTS),2000000)

$(BUILD)/sim/sim: $(SIM_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/tests/sim/main.o \
                  $(SIM_CORE:%.c=$(BUILD)/obj/%.o)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) -o $@ $^ -lpthread

# The same with the core and main compiled for seeded bugs; no production object has them.
$(BUILD)/sim/sim-bugs: $(SIM_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj-bugs/tests/sim/main.o \
                       $(SIM_CORE:%.c=$(BUILD)/obj-bugs/%.o)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) -o $@ $^ -lpthread

$(BUILD)/obj-bugs/%.o: %.c Makefile
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -DORCHESTRATE_BUGS -MMD -MP -c -o $@ $<

## sim             Simulate payments from a seed (SEED= PAYMENTS=); one world: CASE= ORDERS= SALT= STOP=
##                 OFF= or ON=, TRACE=1 prints what happens; a failing world is shrunk
.PHONY: sim
sim: $(BUILD)/sim/sim
	@$< --seed=$(SEED) --payments=$(SIM_PAYMENTS) $(if $(CASE),--case=$(CASE)) $(if $(ORDERS),--orders=$(ORDERS)) \
	    $(if $(SALT),--salt=$(SALT)) $(if $(STOP),--stop=$(STOP)) $(if $(OFF),--off=$(OFF)) $(if $(ON),--on=$(ON)) \
	    $(if $(TRACE),--trace) $(if $(MARKS),--marks)

SCRIPTS_SRC := $(wildcard tests/sim/scripts/*.c)

$(BUILD)/sim/scripts: $(SCRIPTS_SRC:%.c=$(BUILD)/obj/%.o) \
                      $(filter-out $(BUILD)/obj/gateway/%,$(SIM_SRC:%.c=$(BUILD)/obj/%.o)) \
                      $(SIM_CORE:%.c=$(BUILD)/obj/%.o) $(BUILD)/libledger.a $(BUILD)/libbase.a
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(LIBS) -lcmocka -lpthread

## scripts         The same random transactions against the simulator's store and PostgreSQL must agree
##                 (SEED= SCRIPTS=120 STEPS=80, at most LIMIT= seconds; ONLY=steps and TELL=1 of one script)
.PHONY: scripts
scripts: $(BUILD)/sim/scripts
	@$< --seed=$(SEED) --scripts=$(or $(SCRIPTS),120) --steps=$(or $(STEPS),80) $(if $(ONLY),--only=$(ONLY)) \
	    $(if $(TELL),--tell) $(if $(LIMIT),--seconds=$(LIMIT))

## sim-same        Same seeds, same traces: gcc and clang, -O0 and -O2, with and without ASan (SEEDS=1000)
.PHONY: sim-same
sim-same:
	@tests/sim/same.sh $(or $(SEEDS),1000)

## sim-campaign    100 million payments over 100,000 seeds; goes on where it was stopped (PART=i/n CHUNKS=100)
.PHONY: sim-campaign
sim-campaign: $(BUILD)/sim/sim
	@nice tests/sim/campaign.sh $< "$(or $(PART),1/1)" $(or $(CHUNKS),100) $(SEED)

## sim-teeth       Seeded bugs must be caught by the simulator (WRITE=1 writes docs/teeth.md)
.PHONY: sim-teeth
sim-teeth: $(BUILD)/sim/sim-bugs $(SIM_CORE:%.c=$(BUILD)/obj/%.o)
	@tests/sim/pure.sh $(SIM_CORE:%.c=$(BUILD)/obj/%.o)
	@tests/sim/teeth.sh $< $(if $(WRITE),write)
