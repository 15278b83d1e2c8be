// SPDX-License-Identifier: Apache-2.0
//
// Compares the field catalogue (compat/fields.h) with a real libsinsp: every field's row, what conditions may compare
// it with, and which of some twenty thousand references (names and arguments, right and wrong) are taken. The fields of
// plugins are offered to libsinsp by plugins made of our own rows (table_plugin.h): what is compared of them is how
// libsinsp reads their arguments. Compiled in the chroot of tests/falco/chroot. Prints "N passed, N failed".
//
// Known differences between Debian's libsinsp 0.23.2 and 0.25.4, which the catalogue follows: 25 parameters and 12
// event types are newer (abi_check.cpp lists them); a library's own event table tells which it has.

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <libscap/scap.h>
#include <libsinsp/filter.h>
#include <libsinsp/filter_check_list.h>
#include <libsinsp/filterchecks.h>
#include <libsinsp/plugin.h>
#include <libsinsp/sinsp.h>

#include "tests/falco/table_plugin.h"

static unsigned passed, failed;

__attribute__((format(printf, 2, 3))) static void check(bool ok, const char *format, ...)
{
	if (ok) {
		passed++;
		return;
	}
	failed++;
	if (failed > 50)
		return;
	va_list args;
	va_start(args, format);
	std::printf("FAILED ");
	std::vprintf(format, args);
	std::printf("\n");
	va_end(args);
}

struct host {
	sinsp inspector;
	std::unique_ptr<sinsp_filter_check_list> checks = std::make_unique<sinsp_filter_check_list>();
	std::shared_ptr<sinsp_filter_factory> factory;

	host()
	{
		for (const auto &p : {table_plugin<FIELD_FROM_CONTAINER>::add(inspector),
		                      table_plugin<FIELD_FROM_TERCEL>::add(inspector)})
			checks->add_filter_check(sinsp_plugin::new_filtercheck(p));
		factory = std::make_shared<sinsp_filter_factory>(&inspector, *checks);
	}

	// The check, as the filter compiler makes it; null where that refuses it. `threw` tells an error from a field
	// that does not exist, which skip-if-unknown-filter forgives.
	std::unique_ptr<sinsp_filter_check> resolve(const std::string &reference, bool &threw)
	{
		threw = false;
		try {
			auto made = factory->new_filtercheck(reference);
			if (!made || made->parse_field_name(reference, true, true) == -1)
				return nullptr;
			return made;
		} catch (const sinsp_exception &) {
			threw = true;
			return nullptr;
		}
	}

	bool compiles(const std::string &condition)
	{
		try {
			return sinsp_filter_compiler(factory, condition).compile() != nullptr;
		} catch (const sinsp_exception &) {
			return false;
		}
	}
};

// ---- rows ----------------------------------------------------------------------------------------------------------

static field_type type_of(ppm_param_type type)
{
	switch (type) {
	case PT_CHARBUF:
		return FIELD_TYPE_STRING;
	case PT_BYTEBUF:
		return FIELD_TYPE_BYTES;
	case PT_BOOL:
		return FIELD_TYPE_BOOL;
	case PT_INT16:
		return FIELD_TYPE_INT16;
	case PT_INT32:
		return FIELD_TYPE_INT32;
	case PT_INT64:
		return FIELD_TYPE_INT64;
	case PT_UINT32:
		return FIELD_TYPE_UINT32;
	case PT_UINT64:
		return FIELD_TYPE_UINT64;
	case PT_DOUBLE:
		return FIELD_TYPE_DOUBLE;
	case PT_RELTIME:
		return FIELD_TYPE_RELTIME;
	case PT_ABSTIME:
		return FIELD_TYPE_ABSTIME;
	case PT_PORT:
		return FIELD_TYPE_PORT;
	case PT_IPADDR:
		return FIELD_TYPE_IP;
	case PT_IPNET:
		return FIELD_TYPE_NET;
	case PT_DYN:
		return FIELD_TYPE_DYNAMIC;
	default:
		return FIELD_TYPES;
	}
}

enum need { NEVER, OPTIONAL, REQUIRED };

static need need_of(const field_info &f)
{
	switch (f.arg) {
	case FIELD_ARG_NONE:
		return NEVER;
	case FIELD_ARG_INDEX_OPTIONAL:
	case FIELD_ARG_KEY_OPTIONAL:
		return OPTIONAL;
	case FIELD_ARG_DOTTED_OPTIONAL:
		return REQUIRED; // evt.abspath says so, and does without one
	default:
		return REQUIRED;
	}
}

static need need_of(const filtercheck_field_info &f)
{
	return f.m_flags & EPF_ARG_REQUIRED ? REQUIRED : f.m_flags & EPF_ARG_ALLOWED ? OPTIONAL : NEVER;
}

static void check_print_format(const field_info &ours, const filtercheck_field_info &theirs)
{
	if (!field_type_is_number(ours.type) || ours.type == FIELD_TYPE_DOUBLE)
		return;
	ppm_print_format print = theirs.m_print_format;
	check(ours.flags & FIELD_HEX         ? print == PF_HEX
	      : ours.flags & FIELD_PADDED    ? print == PF_10_PADDED_DEC
	      : ours.flags & FIELD_UNPRINTED ? print == PF_NA
	                                     : print == PF_DEC || print == PF_ID,
	      "%s: print format %d", ours.name, print);
}

static void check_row(const filter_check_info &group, const filtercheck_field_info &theirs)
{
	const char *name = theirs.m_name.c_str();
	const field_info *ours = field_by_name(name, theirs.m_name.size(), nullptr);
	if (!ours || theirs.m_name != ours->name) {
		check(false, "%s: not in the catalogue", name);
		return;
	}
	static const struct {
		unsigned ours, theirs;
		const char *name;
	} flags[] = {
	        {FIELD_LIST, EPF_IS_LIST, "list"},
	        {FIELD_FILTER_ONLY, EPF_FILTER_ONLY, "filter only"},
	        {FIELD_PRINT_ONLY, EPF_PRINT_ONLY, "print only"},
	        {FIELD_NO_RHS, EPF_NO_RHS, "no right-hand side"},
	        {FIELD_NO_TRANSFORMER, EPF_NO_TRANSFORMER, "no transformer"},
	        {FIELD_DEPRECATED, EPF_DEPRECATED, "deprecated"},
	};
	for (const auto &f : flags)
		check(!(ours->flags & f.ours) == !(theirs.m_flags & f.theirs), "%s: %s", name, f.name);
	bool hidden = (theirs.m_flags & EPF_TABLE_ONLY) || (group.m_flags & filter_check_info::FL_HIDDEN);
	check(hidden == !!(ours->flags & FIELD_HIDDEN), "%s: hidden", name);
	check(ours->type == type_of(theirs.m_type), "%s: type %d", name, theirs.m_type);
	check(need_of(*ours) == need_of(theirs), "%s: whether it needs an argument", name);
	check(group.m_name == field_class(ours->in_class)->name, "%s: class %s", name, group.m_name.c_str());
	check((group.m_shortdesc == "All event types") == (ours->in_class == FIELD_CLASS_EVENT), "%s: class", name);
	check_print_format(*ours, theirs);
}

static void check_rows(host &h)
{
	std::vector<const filter_check_info *> groups;
	size_t count = 0, ours = 0;
	sinsp_filter_check_list own;
	own.get_all_fields(groups);
	for (const auto *g : groups) {
		for (int i = 0; i < g->m_nfields; i++)
			check_row(*g, g->m_fields[i]);
		count += static_cast<size_t>(g->m_nfields);
	}
	for (int id = 0; id < FIELD_COUNT; id++)
		ours += field_class(field_by_id(static_cast<field_id>(id))->in_class)->provider == FIELD_FROM_FALCO;
	check(count == ours, "libsinsp has %zu fields, the catalogue %zu", count, ours);
}

// ---- references ----------------------------------------------------------------------------------------------------

// What this library knows of events.
struct event_names {
	std::set<std::string> params, types;

	event_names()
	{
		const ppm_event_info *table = scap_get_event_info_table();
		for (int i = 0; i < PPM_EVENT_MAX; i++) {
			types.insert(table[i].name);
			for (unsigned k = 0; k < table[i].nparams; k++)
				params.insert(table[i].params[k].name);
		}
	}

	// Whether it lacks what a reference that we take is about.
	bool lack(const field_ref &ref) const
	{
		if (ref.kind != FIELD_REF_KEY)
			return false;
		std::string key(ref.key, ref.key_len);
		if (ref.field->id == FIELD_EVT_TYPE_IS)
			return !types.count(key);
		return (ref.field->id == FIELD_EVT_ARG || ref.field->id == FIELD_EVT_RAWARG) && !params.count(key);
	}
};

static const std::vector<std::string> brackets = {
        "",
        "0",
        "1",
        "2",
        "10",
        "-1",
        "-2",
        "+3",
        "-0",
        " 4",
        "4 ",
        "\t5",
        "\n\v\f\r6",
        "05",
        "007",
        "00",
        "0x10",
        "1.5",
        "1e3",
        "1,000",
        "x",
        "1x",
        "HOME",
        "A=B",
        "a b",
        " ",
        "a\tb",
        "a.b",
        "app.kubernetes.io/name",
        "/usr/*",
        "[",
        "a[b",
        "]",
        "a]",
        "]b",
        "1]",
        "2147483647",
        "2147483648",
        "-2147483648",
        "-2147483649",
        "4294967295",
        "4294967296",
        "4294967297",
        "-4294967295",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551614",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999",
        "-99999999999999999999999",
        "-",
        "+",
        "- 1",
        "--1",
        "\xc3\xa9",
        "\"",
        "'",
        "%d",
        "src",
        ".flags",
};

static std::vector<std::string> names(const event_names &events)
{
	std::vector<std::string> out = {
	        "",          "a",          "evt",       "arg",      "arg.x",   "proc",         "proc.",
	        ".",         "proc..name", "fd.typesx", "proc.arg", "evt.arg", "evt.argx",     "evt.arg2",
	        "evt.type.", "fd",         "fdlist",    "fs.path",  "plugin",  "proc.environ", "syscall"};
	for (int id = 0; id < FIELD_COUNT; id++) {
		std::string name = field_by_id(static_cast<field_id>(id))->name;
		for (const char *end : {"", "x", "s", ".", ".x", ".0", ".flags", ".src", "_", " "})
			out.push_back(name + end);
		out.push_back(name.substr(0, name.size() - 1));
		out.push_back(" " + name);
		std::string upper = name;
		upper[0] = static_cast<char>(upper[0] - 'a' + 'A');
		out.push_back(upper);
	}
	for (const auto &p : events.params)
		for (const char *prefix : {"evt.arg.", "evt.rawarg.", "evt.around.", "evt.args."})
			for (const char *end : {"", "x", "2", ".", ".x"})
				out.push_back(prefix + p + end);
	for (const auto &t : events.types)
		for (const char *end : {"", "x", ".x", "."})
			out.push_back("evt.type.is." + t + end);
	for (const char *s :
	     {"cpu", "cpuset", "cpu_x", "c1", "c-x", "_", "CPU", "cpu.x", "", "59", "0", "4294967296", "5x"})
		for (const char *f : {"thread.cgroup.", "evt.type.is.", "thread.cgroups.", "evt.abspath."})
			out.push_back(std::string(f) + s);
	for (const char *s : {"src", "dst", "srcx", "src.x", "SRC", "both"})
		out.push_back(std::string("evt.abspath.") + s);
	return out;
}

static unsigned taken, newer;

static void check_index(const field_ref &ref, sinsp_filter_check *theirs, const std::string &text)
{
	auto *thread = dynamic_cast<sinsp_filter_check_thread *>(theirs);
	// With a name it is left as it was, and unused.
	if (!thread || ref.kind == FIELD_REF_KEY ||
	    (ref.field->arg != FIELD_ARG_INDEX_OPTIONAL && ref.field->id != FIELD_PROC_AENV))
		return;
	int32_t argid = thread->get_argid();
	bool none = ref.field->id == FIELD_PROC_ARGS   ? argid < 0
	            : ref.field->id == FIELD_PROC_AENV ? argid < 1
	                                               : argid == -1;
	check((ref.kind == FIELD_REF_PLAIN) == none, "%s: index %d, whether it is one", text.c_str(), argid);
	check(none || ref.index == argid, "%s: index %d, ours %jd", text.c_str(), argid,
	      static_cast<intmax_t>(ref.index));
}

// Our answer and theirs; `bracket` may be missing.
static void check_reference(host &h, const event_names &events, const std::string &name,
                            const std::optional<std::string> &bracket)
{
	std::string text = bracket ? name + "[" + *bracket + "]" : name;
	field_ref ref = {};
	error err = {};
	int ours = field_resolve(&ref, name.data(), name.size(), bracket ? bracket->c_str() : nullptr, &err);
	bool threw;
	auto theirs = h.resolve(text, threw);
	if (!ours && events.lack(ref)) {
		newer += !theirs;
		return;
	}
	check(!ours == !!theirs, "%s: libsinsp says %s, we say %s", text.c_str(), theirs ? "yes" : "no",
	      ours ? err.text : "yes");
	check(!ours == field_is_reference(text.data(), text.size()), "%s: as one text", text.c_str());
	check(!ours == !err.text[0], "%s: message %s", text.c_str(), err.text);
	// It reads evt.argx as evt.arg with a wrong argument; and what stands behind a ']' in brackets is nobody's
	// argument.
	bool same = threw == (ours == -EINVAL) || (threw && ours == -ENOENT) ||
	            (bracket && bracket->find(']') != bracket->npos);
	check(!ours || theirs || same, "%s: libsinsp says %s, we say %s", text.c_str(),
	      threw ? "that it is wrong" : "that there is no such field", err.text);
	if (ours || !theirs)
		return;
	taken++;
	const filtercheck_field_info *info = theirs->get_field_info();
	check(info->m_name == ref.field->name, "%s: is %s, not %s", text.c_str(), info->m_name.c_str(),
	      ref.field->name);
	check(info->is_list() == !!(ref.field->flags & FIELD_LIST), "%s: list", text.c_str());
	if (ref.field->id != FIELD_EVT_RAWARG)
		check(ref.type == type_of(info->m_type), "%s: type %d", text.c_str(), info->m_type);
	check_index(ref, theirs.get(), text);
}

static void check_references(host &h)
{
	event_names events;
	for (const auto &name : names(events))
		check_reference(h, events, name, std::nullopt);
	for (int id = 0; id < FIELD_COUNT; id++)
		for (const auto &b : brackets)
			check_reference(h, events, field_by_id(static_cast<field_id>(id))->name, b);
	for (const char *name :
	     {"evt.arg.flags", "evt.rawarg.flags", "evt.abspath.src", "thread.cgroup.cpu", "evt.type.is.open",
	      "proc.anam", "proc.anamex", "k8s.pod.label.x", "container.mount.sourc", "container", "x.y"})
		for (const auto &b : brackets)
			check_reference(h, events, name, b);
}

// ---- constants -----------------------------------------------------------------------------------------------------

static const struct {
	const char *text;
	std::set<field_type> fits; // besides strings and bytes, which take anything
} constants[] = {
        {"1",
         {FIELD_TYPE_INT8, FIELD_TYPE_INT16, FIELD_TYPE_INT32, FIELD_TYPE_INT64, FIELD_TYPE_UINT8, FIELD_TYPE_UINT16,
          FIELD_TYPE_UINT32, FIELD_TYPE_UINT64, FIELD_TYPE_DOUBLE, FIELD_TYPE_RELTIME, FIELD_TYPE_ABSTIME,
          FIELD_TYPE_PORT}},
        {"true", {FIELD_TYPE_BOOL}},
        {"1.2.3.4", {FIELD_TYPE_IP}},
        {"::1", {FIELD_TYPE_IP}},
        {"10.0.0.0/8", {FIELD_TYPE_NET}},
        {"fe80::/64", {FIELD_TYPE_NET}},
        {"open", {}},
};

static void check_constants(host &h, const std::string &reference, const char *bracket)
{
	field_ref ref = {};
	check(!field_resolve(&ref, reference.data(), reference.size(), bracket, nullptr), "%s: unknown",
	      reference.c_str());
	std::string text = bracket ? reference + "[" + bracket + "]" : reference;
	bool plain = ref.type == FIELD_TYPE_STRING || ref.type == FIELD_TYPE_BYTES;
	// Lists take `in` alone.
	const char *op = ref.field->flags & FIELD_LIST ? " in " : " = ";
	for (const auto &c : constants) {
		bool ours = plain || c.fits.count(ref.type);
		if (ref.flags & FIELD_REF_NO_CONSTANT || (ref.flags & FIELD_REF_IPV4 && std::strchr(c.text, ':')))
			ours = false;
		if (ref.field->id == FIELD_EVT_TYPE)
			ours = !std::strcmp(c.text, "open");
		std::string value = ref.field->flags & FIELD_LIST ? "('" + std::string(c.text) + "')"
		                                                  : "'" + std::string(c.text) + "'";
		check(h.compiles(text + op + value) == ours, "%s%s%s: ours %d", text.c_str(), op, value.c_str(), ours);
	}
	check(h.compiles(text + " exists"), "%s exists", text.c_str());
	check(h.compiles(text + " in ()") == (ref.type != FIELD_TYPE_OPAQUE), "%s in ()", text.c_str());
	if (ref.field->flags & FIELD_EQUAL_ONLY)
		check(!h.compiles(text + " > 1") && !h.compiles(text + " in (1)") && !h.compiles(text + " != 1"),
		      "%s: not only =", text.c_str());
	// A field and itself: only the marks can stand against it. (Networks have them.)
	check(h.compiles(text + (ref.field->flags & FIELD_LIST ? " in val(" : " = val(") + text + ")") ==
	              !(ref.field->flags & FIELD_NO_RHS),
	      "%s: val()", text.c_str());
	if (ref.type == FIELD_TYPE_STRING && !(ref.field->flags & FIELD_LIST))
		check(h.compiles("tolower(" + text + ") = open") == !(ref.field->flags & FIELD_NO_TRANSFORMER),
		      "%s: tolower()", text.c_str());
}

static void check_comparisons(host &h)
{
	event_names events;
	for (int id = 0; id < FIELD_COUNT; id++) {
		const field_info *f = field_by_id(static_cast<field_id>(id));
		std::string name = f->name;
		switch (f->arg) {
		case FIELD_ARG_DOTTED:
		case FIELD_ARG_DOTTED_OR_INDEX:
			check_constants(h, name + (f->id == FIELD_EVT_TYPE_IS ? ".open" : ".res"), nullptr);
			break;
		case FIELD_ARG_NONE:
		case FIELD_ARG_DOTTED_OPTIONAL:
			check_constants(h, name, nullptr);
			break;
		default:
			check_constants(h, name, "1");
		}
	}
	for (const auto &p : events.params)
		check_constants(h, "evt.rawarg." + p, nullptr);
}

int main()
{
	try {
		host h;
		check_rows(h);
		check_references(h);
		check_comparisons(h);
	} catch (const std::exception &e) {
		std::printf("FAILED %s\n", e.what());
		failed++;
	}
	std::printf("references taken: %u; unknown to this older library: %u\n", taken, newer);
	std::printf("%u passed, %u failed\n", passed, failed);
	return failed != 0 || taken < 1000;
}
