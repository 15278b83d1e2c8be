// SPDX-License-Identifier: Apache-2.0
//
// What the real libsinsp says of conditions: whether it accepts them, and whether they hold. Requests and answers are
// JSON, one a line; tests/falco/differential.py writes the one and judges the other. Knows nothing of Tercel's
// evaluator.
//
//   {"accept":[CONDITION,…]}                     {"accept":[null or the error,…]}
//   {"conditions":[…],"events":[EVENT,…]}        {"errors":[as accept],"results":[[a row for each event],…]}
//   {"capture":FILE,"fields":[…]}                {"n":NUMBER,"fields":EVENT} for each event, then {"end":COUNT}
//   {"capture":FILE,"conditions":[…]}            {"errors":[…]}, {"n":NUMBER,"results":[…]} for each event,
//                                                then {"end":COUNT}
//   {"bench":FILE,"conditions":[…],"rounds":N}   {"events":M,"conditions":C,"evaluations":E,"ns":T}
//   {"catalogue":true}                           {"fields":[{"name","class","type","flags"},…],
//                                                "arguments":[{"name","type","types"},…]}: those of evt.rawarg,
//                                                and how many types events give them
//
// An EVENT is flat: a field, with its argument as it is written in the condition, and its value; an absent one is
// missing. The fields that mean any ancestor or either end of a socket take a list:
// {"proc.aname":["sh","init"],"fd.ip":[…]}. A result is true, false, or a string: "throws: …", "crashes: signal N".
//
// Made-up events are evaluated by the real classes of libsinsp: names, arguments, values, types and comparisons are
// theirs, and only what an event yields for a field is replaced. With "cache":true, libsinsp's caches are filled and
// used as in Falco; without, as little is cached as it allows.
//
// The fields of plugins are those of compat/fields_table.h; of captured events they have no values.

#include <arpa/inet.h>
#include <chrono>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <json/json.h>
#include <libsinsp/filter.h>
#include <libsinsp/filter_check_list.h>
#include <libsinsp/filterchecks.h>
#include <libsinsp/plugin.h>
#include <libsinsp/plugin_filtercheck.h>
#include <libsinsp/sinsp.h>

#include "tests/falco/table_plugin.h"

namespace
{

// ---- what must not end the oracle --------------------------------------------------------------------------------

sigjmp_buf on_crash;
volatile sig_atomic_t guarding;

void crashed(int signal)
{
	if (guarding)
		siglongjmp(on_crash, signal);
	std::signal(signal, SIG_DFL);
	raise(signal);
}

void catch_crashes()
{
	static char stack[1 << 16];
	stack_t alternate = {};
	alternate.ss_sp = stack;
	alternate.ss_size = sizeof(stack);
	sigaltstack(&alternate, nullptr);
	struct sigaction act = {};
	act.sa_handler = crashed;
	act.sa_flags = SA_ONSTACK | SA_NODEFER;
	for (int s : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL})
		sigaction(s, &act, nullptr);
}

// "" or what went wrong. What a crash leaves behind is leaked: the oracle lives for one test.
std::string guarded(const std::function<void()> &f)
{
	std::string error;
	int signal = sigsetjmp(on_crash, 1);
	if (signal) {
		guarding = 0;
		return "crashes: signal " + std::to_string(signal);
	}
	guarding = 1;
	try {
		f();
	} catch (const std::exception &e) {
		error = std::string("throws: ") + e.what();
	} catch (...) {
		error = "throws: something";
	}
	guarding = 0;
	return error;
}

// ---- JSON out: bytes as they are, which no library here does -----------------------------------------------------

std::string quote(const std::string &s)
{
	std::string out = "\"";
	for (char c : s) {
		char hex[8];
		if (c == '"' || c == '\\') {
			out += '\\';
			out += c;
		} else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
			std::snprintf(hex, sizeof(hex), "\\u%04x", static_cast<unsigned>(c));
			out += hex;
		} else {
			out += c;
		}
	}
	return out + '"';
}

template <class T> std::string list(const std::vector<T> &items, const std::function<std::string(const T &)> &text)
{
	std::string out = "[";
	for (const auto &i : items)
		out += (out.size() > 1 ? "," : "") + text(i);
	return out + "]";
}

std::string null_or_text(const std::string &s)
{
	return s.empty() ? "null" : quote(s);
}

// "" is false, "1" is true.
std::string result_text(const std::string &r)
{
	return r.empty() ? "false" : r == "1" ? "true" : quote(r);
}

void say(const std::string &line)
{
	std::fwrite(line.data(), 1, line.size(), stdout);
	std::fputc('\n', stdout);
}

// ---- values ------------------------------------------------------------------------------------------------------

template <class T> std::string bytes_of(T v)
{
	return std::string(reinterpret_cast<const char *>(&v), sizeof(v));
}

// Numbers that no double holds come as text.
uint64_t number(const Json::Value &v)
{
	if (v.isBool())
		return v.asBool();
	if (v.isString()) {
		const std::string s = v.asString();
		return !s.empty() && s[0] == '-' ? static_cast<uint64_t>(std::stoll(s)) : std::stoull(s);
	}
	if (v.isInt64())
		return static_cast<uint64_t>(v.asInt64());
	return v.asUInt64();
}

bool address(const Json::Value &v, std::string &out)
{
	char raw[16];
	if (!v.isString())
		return false;
	const std::string s = v.asString();
	for (auto [family, size] : {std::pair<int, size_t>{AF_INET, 4}, {AF_INET6, 16}})
		if (inet_pton(family, s.c_str(), raw) == 1) {
			out.assign(raw, size);
			return true;
		}
	return false;
}

// As the event parsers and the extractors lay a value of this type out. false: not a value of this type.
bool raw_value(const Json::Value &v, ppm_param_type type, std::string &out)
{
	switch (type) {
	case PT_INT8:
	case PT_UINT8:
	case PT_FLAGS8:
	case PT_ENUMFLAGS8:
	case PT_SIGTYPE:
		out = bytes_of(static_cast<uint8_t>(number(v)));
		return true;
	case PT_INT16:
	case PT_UINT16:
	case PT_FLAGS16:
	case PT_ENUMFLAGS16:
	case PT_PORT:
	case PT_SYSCALLID:
		out = bytes_of(static_cast<uint16_t>(number(v)));
		return true;
	case PT_INT32:
	case PT_UINT32:
	case PT_FLAGS32:
	case PT_ENUMFLAGS32:
	case PT_MODE:
		out = bytes_of(static_cast<uint32_t>(number(v)));
		return true;
	case PT_BOOL:
		out = bytes_of(static_cast<uint32_t>(v.isString() ? v.asString() == "true" : number(v) != 0));
		return true;
	case PT_DOUBLE:
		out = bytes_of(v.isString() ? std::stod(v.asString()) : v.asDouble());
		return true;
	case PT_INT64:
	case PT_UINT64:
	case PT_RELTIME:
	case PT_ABSTIME:
	case PT_ERRNO:
	case PT_FD:
	case PT_PID:
		out = bytes_of(number(v));
		return true;
	case PT_IPADDR:
	case PT_IPNET:
	case PT_IPV4ADDR:
	case PT_IPV6ADDR:
	case PT_IPV4NET:
	case PT_IPV6NET:
		return address(v, out);
	case PT_CHARBUF:
	case PT_FSPATH:
	case PT_FSRELPATH:
	case PT_BYTEBUF:
		if (!v.isString())
			return false;
		out = v.asString();
		return true;
	default: // of no type that libsinsp compares: only whether it is there counts
		out = "?";
		return true;
	}
}

std::string number_text(uint64_t v)
{
	return v < (1ULL << 53) ? std::to_string(v) : quote(std::to_string(v));
}

std::string number_text(int64_t v)
{
	return v > -(1LL << 53) && v < (1LL << 53) ? std::to_string(v) : quote(std::to_string(v));
}

template <class T> T value_of(const extract_value_t &v)
{
	T out = 0;
	std::memcpy(&out, v.ptr, v.len && v.len < sizeof(T) ? v.len : sizeof(T));
	return out;
}

std::string address_text(const void *raw, size_t len)
{
	char text[INET6_ADDRSTRLEN] = "";
	inet_ntop(len == 4 ? AF_INET : AF_INET6, raw, text, sizeof(text));
	return quote(text);
}

std::string string_text(const extract_value_t &v)
{
	std::string s(reinterpret_cast<const char *>(v.ptr),
	              v.len ? v.len : std::strlen(reinterpret_cast<const char *>(v.ptr)));
	while (!s.empty() && s.back() == '\0')
		s.pop_back();
	return quote(s);
}

std::string value_text(const extract_value_t &v, ppm_param_type type)
{
	char text[64];
	switch (type) {
	case PT_INT8:
		return number_text(static_cast<int64_t>(value_of<int8_t>(v)));
	case PT_INT16:
		return number_text(static_cast<int64_t>(value_of<int16_t>(v)));
	case PT_INT32:
		return number_text(static_cast<int64_t>(value_of<int32_t>(v)));
	case PT_INT64:
	case PT_ERRNO:
	case PT_FD:
	case PT_PID:
		return number_text(value_of<int64_t>(v));
	case PT_UINT8:
	case PT_FLAGS8:
	case PT_ENUMFLAGS8:
	case PT_SIGTYPE:
	case PT_L4PROTO:
	case PT_SOCKFAMILY:
		return number_text(static_cast<uint64_t>(value_of<uint8_t>(v)));
	case PT_UINT16:
	case PT_FLAGS16:
	case PT_ENUMFLAGS16:
	case PT_PORT:
	case PT_SYSCALLID:
		return number_text(static_cast<uint64_t>(value_of<uint16_t>(v)));
	case PT_UINT32:
	case PT_FLAGS32:
	case PT_ENUMFLAGS32:
	case PT_MODE:
	case PT_UID:
	case PT_GID:
		return number_text(static_cast<uint64_t>(value_of<uint32_t>(v)));
	case PT_UINT64:
	case PT_RELTIME:
	case PT_ABSTIME:
		return number_text(value_of<uint64_t>(v));
	case PT_BOOL:
		return value_of<uint32_t>(v) ? "true" : "false";
	case PT_DOUBLE:
		std::snprintf(text, sizeof(text), "%.17g", value_of<double>(v));
		return text;
	case PT_IPADDR:
	case PT_IPNET:
	case PT_IPV4ADDR:
	case PT_IPV6ADDR:
		return address_text(v.ptr, v.len ? v.len : type == PT_IPV6ADDR ? 16 : 4);
	case PT_CHARBUF:
	case PT_FSPATH:
	case PT_FSRELPATH:
		return string_text(v);
	default:
		return quote(std::string(reinterpret_cast<const char *>(v.ptr), v.len));
	}
}

// ---- made-up events ----------------------------------------------------------------------------------------------

class made_up_event : public sinsp_evt
{
      public:
	made_up_event(sinsp *inspector, const Json::Value &values, uint64_t num) : sinsp_evt(inspector), values(values)
	{
		m_header.type = PPME_GENERIC_E;
		m_header.len = sizeof(m_header);
		m_header.ts = values.isMember("evt.rawtime") ? number(values["evt.rawtime"]) : 0;
		set_num(num);
		set_scap_evt(&m_header);
		set_type(PPME_GENERIC_E);
	}

	void set_type(ppm_event_code code)
	{
		m_header.type = code;
		set_info(scap_get_event_info_table() + code);
	}

	const Json::Value &values;

      private:
	scap_evt m_header = {};
};

const Json::Value *member(const Json::Value &values, const std::string &key)
{
	return values.isMember(key) && !values[key].isNull() ? &values[key] : nullptr;
}

// The value of a field that an event does not have, but others that mean the same (engine/filter/eval_input.h).
const Json::Value *follow(const Json::Value &values, const std::string &key, Json::Value &made)
{
	static const std::map<std::string, std::vector<std::vector<std::string>>> sources = {
	        {"fd.ip", {{"fd.cip", "fd.sip"}, {"fd.lip", "fd.rip"}}},
	        {"fd.net", {{"fd.cip", "fd.sip"}, {"fd.lip", "fd.rip"}}},
	        {"fd.port", {{"fd.cport", "fd.sport"}, {"fd.lport", "fd.rport"}}},
	        {"fd.proto", {{"fd.cport", "fd.sport"}, {"fd.lport", "fd.rport"}}},
	        {"fd.cnet", {{"fd.cip"}}},
	        {"fd.snet", {{"fd.sip"}}},
	        {"fd.lnet", {{"fd.lip"}}},
	        {"fd.rnet", {{"fd.rip"}}},
	};
	static const std::regex ancestor("(proc\\.a(?:exe|exepath|name|cmdline|pid))\\[([1-9][0-9]{0,8})\\]");
	std::smatch match;
	if (std::regex_match(key, match, ancestor)) {
		const Json::Value *all = member(values, match[1]);
		const auto nth = static_cast<Json::ArrayIndex>(std::stoul(match[2]));
		if (!all || (all->isArray() ? nth > all->size() : nth > 1))
			return nullptr;
		made = all->isArray() ? Json::Value((*all)[nth - 1]) : Json::Value(*all);
		return &made;
	}
	const auto s = sources.find(key);
	if (s == sources.end())
		return nullptr;
	for (const auto &names : s->second) {
		made = Json::Value(Json::arrayValue);
		for (const auto &n : names)
			if (const Json::Value *v = member(values, n))
				made.append(*v);
		if (!made.empty() && s->second.size() == 1)
			made = Json::Value(made[0]);
		if (!made.empty())
			return &made;
	}
	return nullptr;
}

// The name that an event gives it by, as engine/filter prints it: a field's number may be written in many ways.
std::string canonical(const std::string &key)
{
	static const std::regex number("((?:evt|fd|proc|thread)\\.[a-z.]+)\\[[ \t\n]*\\+?0*([0-9]+)\\]");
	std::smatch match;
	return std::regex_match(key, match, number) ? match.str(1) + "[" + match.str(2) + "]" : key;
}

// Lives until the next call.
const Json::Value *find(const sinsp_evt *evt, const std::string &key)
{
	static Json::Value made;
	const auto &values = static_cast<const made_up_event *>(evt)->values;
	const std::string name = values.isMember(key) ? key : canonical(key);
	const Json::Value *given = member(values, name);
	return given || values.isMember(name) ? given : follow(values, name, made);
}

// A process with ancestors, and a file descriptor: what those comparisons look at that do not go by a field's value.
class surroundings
{
      public:
	explicit surroundings(sinsp *inspector) : m_inspector(inspector)
	{
		for (int64_t tid = first; tid < first + most; tid++)
			add(tid, tid == first ? 0 : tid - 1);
		m_fd = inspector->get_fdinfo_factory().create();
	}

	// As many ancestors as `values` has elements, the first being the parent; `set` gives each its value.
	void ancestors(made_up_event &evt, const Json::Value &values,
	               const std::function<void(sinsp_threadinfo &, const Json::Value &)> &set)
	{
		const Json::ArrayIndex n = std::min<Json::ArrayIndex>(values.size(), most - 2);
		for (Json::ArrayIndex i = 0; i < n; i++) {
			sinsp_threadinfo &t = *m_threads[static_cast<size_t>(n - i)];
			t.m_pid = t.m_tid;
			t.m_comm.clear();
			t.m_exe.clear();
			t.m_exepath.clear();
			t.m_args.clear();
			t.m_env.clear();
			t.m_flags |= PPM_CL_IS_MAIN_THREAD;
			set(t, values[i]);
		}
		// The chain's oldest but one begins it, since the walk ends early at a process that is its own parent.
		m_threads[0]->m_ptid = -1;
		m_threads[1]->m_ptid = -1;
		sinsp_threadinfo &self = *m_threads[most - 1];
		self.m_ptid = n ? m_threads[n]->m_tid : -1;
		evt.set_tinfo(&self);
	}

	void socket(made_up_event &evt, const std::vector<std::string> &addresses, const std::vector<uint16_t> &ports)
	{
		evt.set_type(PPME_SYSCALL_READ_X);
		evt.set_tinfo(m_threads[most - 1].get());
		evt.set_fd_info(m_fd.get());
		sinsp_fdinfo &f = *m_fd;
		std::memset(&f.m_sockinfo, 0, sizeof(f.m_sockinfo));
		f.m_type = SCAP_FD_FILE;
		if (addresses.empty())
			return;
		const bool pair = addresses.size() > 1, v4 = addresses[0].size() == 4;
		f.m_type = v4 ? (pair ? SCAP_FD_IPV4_SOCK : SCAP_FD_IPV4_SERVSOCK)
		              : (pair ? SCAP_FD_IPV6_SOCK : SCAP_FD_IPV6_SERVSOCK);
		auto &four = f.m_sockinfo.m_ipv4info.m_fields;
		auto &six = f.m_sockinfo.m_ipv6info.m_fields;
		if (!pair && v4) {
			std::memcpy(&f.m_sockinfo.m_ipv4serverinfo.m_ip, addresses[0].data(), 4);
			f.m_sockinfo.m_ipv4serverinfo.m_port = ports[0];
		} else if (!pair) {
			std::memcpy(&f.m_sockinfo.m_ipv6serverinfo.m_ip, addresses[0].data(), 16);
			f.m_sockinfo.m_ipv6serverinfo.m_port = ports[0];
		} else if (v4) {
			std::memcpy(&four.m_sip, addresses[0].data(), 4);
			std::memcpy(&four.m_dip, addresses[1].data(), 4);
			four.m_sport = ports[0];
			four.m_dport = ports[1];
		} else {
			std::memcpy(&six.m_sip, addresses[0].data(), 16);
			std::memcpy(&six.m_dip, addresses[1].data(), 16);
			six.m_sport = ports[0];
			six.m_dport = ports[1];
		}
	}

      private:
	static constexpr int64_t first = 1000;
	static constexpr unsigned most = 64;

	void add(int64_t tid, int64_t parent)
	{
		auto t = m_inspector->get_threadinfo_factory().create();
		t->m_tid = t->m_pid = t->m_vtid = t->m_vpid = tid;
		t->m_ptid = parent;
		t->m_flags |= PPM_CL_IS_MAIN_THREAD;
		m_threads.push_back(m_inspector->m_thread_manager->add_thread(std::move(t), false));
	}

	sinsp *m_inspector;
	std::vector<std::shared_ptr<sinsp_threadinfo>> m_threads;
	std::unique_ptr<sinsp_fdinfo> m_fd;
};

surroundings *around;

// The comparisons of libsinsp that look at the process or the descriptor themselves get a second event with those.
template <class Base> struct special {
	static bool applies(const Base &, uint32_t, const std::string &)
	{
		return false;
	}
	static bool prepare(made_up_event &, uint32_t, const std::string &)
	{
		return false;
	}
};

Json::Value as_list(const Json::Value *v)
{
	Json::Value out(Json::arrayValue);
	if (v && v->isArray())
		return *v;
	if (v)
		out.append(*v);
	return out;
}

template <> struct special<sinsp_filter_check_thread> {
	using check = sinsp_filter_check_thread;

	static bool applies(const check &c, uint32_t id, const std::string &key)
	{
		switch (id) {
		case check::TYPE_APID:
		case check::TYPE_ANAME:
		case check::TYPE_AEXE:
		case check::TYPE_AEXEPATH:
		case check::TYPE_ACMDLINE:
			return c.get_argid() == -1;
		case check::TYPE_AENV: // any ancestor's with a number too, unlike the other fields
			return key.find_first_not_of("[]0123456789", sizeof("proc.aenv") - 1) == std::string::npos;
		default:
			return false;
		}
	}

	static bool prepare(made_up_event &evt, uint32_t id, const std::string &key)
	{
		const Json::Value values = as_list(find(&evt, key.substr(0, key.find('['))));
		around->ancestors(evt, values, [id](sinsp_threadinfo &t, const Json::Value &v) {
			if (id == check::TYPE_APID)
				t.m_pid = static_cast<int64_t>(number(v));
			else if (id == check::TYPE_AEXE)
				t.m_exe = v.asString();
			else if (id == check::TYPE_AEXEPATH)
				t.m_exepath = v.asString();
			else if (id == check::TYPE_AENV)
				t.m_env.push_back(v.asString());
			else
				t.m_comm = v.asString();
		});
		return true;
	}
};

template <> struct special<sinsp_filter_check_fd> {
	using check = sinsp_filter_check_fd;

	static bool applies(const check &, uint32_t id, const std::string &)
	{
		return id == check::TYPE_IP || id == check::TYPE_NET || id == check::TYPE_PORT ||
		       id == check::TYPE_PROTO;
	}

	static bool prepare(made_up_event &evt, uint32_t id, const std::string &key)
	{
		const Json::Value *given = find(&evt, key);
		std::vector<std::string> addresses;
		std::vector<uint16_t> ports;
		if (!given)
			return false;
		for (const auto &v : as_list(given)) {
			std::string a(4, 1);
			if (id != check::TYPE_PORT && id != check::TYPE_PROTO && !address(v, a))
				throw sinsp_exception("not an address");
			addresses.push_back(a);
			ports.push_back(id == check::TYPE_PORT || id == check::TYPE_PROTO
			                        ? static_cast<uint16_t>(number(v))
			                        : 0);
		}
		around->socket(evt, addresses, ports);
		return true;
	}
};

template <class Base> class mock : public Base
{
      public:
	mock() = default;
	explicit mock(const Base &b) : Base(b)
	{
	}

	std::unique_ptr<sinsp_filter_check> allocate_new() override
	{
		if constexpr (std::is_same_v<Base, sinsp_filter_check_plugin>)
			return std::make_unique<mock>(static_cast<const Base &>(*this));
		else
			return std::make_unique<mock>();
	}

	int32_t parse_field_name(std::string_view text, bool alloc_state, bool needed_for_filtering) override
	{
		const int32_t len = Base::parse_field_name(text, alloc_state, needed_for_filtering);
		m_key = len < 0 ? "" : text.substr(0, static_cast<size_t>(len));
		if (m_key.rfind("proc.env[", 0) == 0 && m_key.find_first_not_of("0123456789]", 9) == std::string::npos)
			m_key = "proc.env"; // the number is forgotten
		return len;
	}

      protected:
	bool extract_nocache(sinsp_evt *evt, std::vector<extract_value_t> &values, std::vector<extract_offset_t> *,
	                     bool) override
	{
		const Json::Value *v = find(evt, m_key);
		values.clear();
		if (!v)
			return false;
		if (!this->get_field_info()->is_list())
			return add(values, *v);
		for (const auto &one : as_list(v))
			if (!add(values, one))
				return false;
		// A plugin that yields no value yields nothing.
		return !values.empty() || !std::is_same_v<Base, sinsp_filter_check_plugin>;
	}

	uint8_t *extract_single(sinsp_evt *evt, uint32_t *len, bool) override
	{
		std::vector<extract_value_t> values;
		*len = 0;
		if (!extract_nocache(evt, values, nullptr, false) || values.empty())
			return nullptr;
		*len = values[0].len + (raw_string() ? 1 : 0);
		return values[0].ptr;
	}

	bool compare_nocache(sinsp_evt *evt) override
	{
		// Every real event has a time.
		if (m_key.rfind("evt.around", 0) == 0 && !find(evt, "evt.rawtime"))
			return false;
		if (!special<Base>::applies(*this, this->m_field_id, m_key))
			return Base::compare_nocache(evt);
		made_up_event other(this->m_inspector, static_cast<made_up_event *>(evt)->values, evt->get_num());
		return special<Base>::prepare(other, this->m_field_id, m_key) && Base::compare_nocache(&other);
	}

      private:
	// A raw argument that is text is taken with its terminator, so that "" is a value.
	bool raw_string() const
	{
		const auto type = this->get_field_info()->m_type;
		return m_key.rfind("evt.rawarg", 0) == 0 &&
		       (type == PT_CHARBUF || type == PT_FSPATH || type == PT_FSRELPATH);
	}

	bool add(std::vector<extract_value_t> &values, const Json::Value &v)
	{
		auto bytes = std::make_unique<std::string>();
		if (v.isArray() || v.isObject() || !raw_value(v, this->get_field_info()->m_type, *bytes))
			return false;
		extract_value_t out;
		out.ptr = reinterpret_cast<uint8_t *>(bytes->data());
		out.len = static_cast<uint32_t>(bytes->size());
		if (values.empty())
			m_storage.clear();
		m_storage.push_back(std::move(bytes));
		values.push_back(out);
		return true;
	}

	std::string m_key;
	std::vector<std::unique_ptr<std::string>> m_storage;
};

// ---- lists of filter checks --------------------------------------------------------------------------------------

using plugins = std::vector<std::shared_ptr<sinsp_plugin>>;

plugins load_plugins(sinsp &inspector)
{
	return {table_plugin<FIELD_FROM_CONTAINER>::add(inspector), table_plugin<FIELD_FROM_TERCEL>::add(inspector)};
}

template <class... Checks> void add_mocks(filter_check_list &list)
{
	(list.add_filter_check(std::make_unique<mock<Checks>>()), ...);
}

// In the order of sinsp_filter_check_list.
void mock_checks(filter_check_list &list, const plugins &from)
{
	add_mocks<sinsp_filter_check_gen_event, sinsp_filter_check_event, sinsp_filter_check_thread,
	          sinsp_filter_check_user, sinsp_filter_check_group, sinsp_filter_check_fd, sinsp_filter_check_fspath,
	          sinsp_filter_check_utils, sinsp_filter_check_fdlist>(list);
	for (const auto &p : from)
		list.add_filter_check(std::make_unique<mock<sinsp_filter_check_plugin>>(sinsp_filter_check_plugin(p)));
}

struct real_checks : sinsp_filter_check_list {
	explicit real_checks(const plugins &from)
	{
		for (const auto &p : from)
			add_filter_check(sinsp_plugin::new_filtercheck(p));
	}
};

// No cache at all, unless Falco's are asked for.
std::shared_ptr<sinsp_filter_cache_factory> cache_factory(bool cache)
{
	if (cache)
		return std::make_shared<exprstr_sinsp_filter_cache_factory>();
	return std::make_shared<sinsp_filter_cache_factory>();
}

struct compiled {
	std::vector<std::string> errors;
	std::vector<std::unique_ptr<sinsp_filter>> filters;
};

compiled compile(sinsp &inspector, filter_check_list &checks, const Json::Value &conditions, bool cache)
{
	compiled out;
	auto factory = std::make_shared<sinsp_filter_factory>(&inspector, checks);
	for (const auto &c : conditions) {
		std::unique_ptr<sinsp_filter> filter;
		const std::string text = c.asString();
		std::string error = guarded(
		        [&]() { filter = sinsp_filter_compiler(factory, text, cache_factory(cache)).compile(); });
		if (error.rfind("throws: ", 0) == 0)
			error.erase(0, 8);
		if (!filter && error.empty())
			error = "no filter";
		if (!error.empty())
			filter.release(); // after a crash, nothing in it can be relied upon
		out.errors.push_back(error);
		out.filters.push_back(std::move(filter));
	}
	return out;
}

std::string errors_text(const compiled &c)
{
	return "\"errors\":" + list<std::string>(c.errors, null_or_text);
}

std::string run(sinsp_filter *filter, sinsp_evt *evt)
{
	bool holds = false;
	if (!filter)
		return "";
	std::string error = guarded([&]() { holds = filter->run(evt); });
	return error.empty() && holds ? "1" : error;
}

// ---- captures ----------------------------------------------------------------------------------------------------

// The ancestors' values, for the fields that mean any of them.
std::string ancestors_text(sinsp &inspector, sinsp_evt *evt, const std::string &field)
{
	sinsp_threadinfo *t = evt->get_thread_info();
	if (t && !t->is_main_thread())
		t = t->get_main_thread();
	if (!t)
		return "";
	std::vector<std::string> found;
	sinsp_thread_manager::visitor_func_t visit = [&](sinsp_threadinfo *p) {
		std::string cmdline;
		sinsp_threadinfo::populate_cmdline(cmdline, p);
		found.push_back(field == "proc.apid"       ? number_text(p->m_pid)
		                : field == "proc.aexe"     ? quote(p->m_exe)
		                : field == "proc.aexepath" ? quote(p->m_exepath)
		                : field == "proc.aenv"     ? quote(p->concatenate_all_env())
		                : field == "proc.aname"    ? quote(p->m_comm)
		                                           : quote(cmdline));
		return true;
	};
	inspector.m_thread_manager->traverse_parent_state(*t, visit);
	return found.empty() ? "" : list<std::string>(found, [](const std::string &s) { return s; });
}

sinsp_fdinfo *descriptor(sinsp_evt *evt)
{
	if (!(evt->get_info_flags() & (EF_CREATES_FD | EF_USES_FD | EF_DESTROYS_FD)))
		return nullptr;
	sinsp_threadinfo *t = evt->get_thread_info();
	if (!t)
		return nullptr;
	sinsp_fdinfo *f = evt->get_fd_info();
	return f || t->m_lastevent_fd == -1 ? f : t->get_fd(t->m_lastevent_fd);
}

// Both ends; [] for a descriptor that has none.
std::string ends_text(sinsp_evt *evt, const std::string &field)
{
	sinsp_fdinfo *f = descriptor(evt);
	const bool port = field == "fd.port" || field == "fd.proto";
	if (!f)
		return "";
	auto &s = f->m_sockinfo;
	auto &four = s.m_ipv4info.m_fields;
	auto &six = s.m_ipv6info.m_fields;
	auto both = [&](auto &a, uint16_t p, auto &b, uint16_t q) {
		return port ? "[" + std::to_string(p) + "," + std::to_string(q) + "]"
		            : "[" + address_text(&a, sizeof(a)) + "," + address_text(&b, sizeof(b)) + "]";
	};
	auto one = [&](auto &a, uint16_t p) {
		return port ? "[" + std::to_string(p) + "]" : "[" + address_text(&a, sizeof(a)) + "]";
	};
	switch (f->m_type) {
	case SCAP_FD_IPV4_SOCK:
		return both(four.m_sip, four.m_sport, four.m_dip, four.m_dport);
	case SCAP_FD_IPV6_SOCK:
		return both(six.m_sip, six.m_sport, six.m_dip, six.m_dport);
	case SCAP_FD_IPV4_SERVSOCK:
		return one(s.m_ipv4serverinfo.m_ip, s.m_ipv4serverinfo.m_port);
	case SCAP_FD_IPV6_SERVSOCK:
		return one(s.m_ipv6serverinfo.m_ip, s.m_ipv6serverinfo.m_port);
	default:
		return "[]";
	}
}

struct wanted_field {
	std::string name;
	std::unique_ptr<sinsp_filter_check> check;
};

std::string field_text(sinsp &inspector, sinsp_evt *evt, const wanted_field &f)
{
	static const char *const any[] = {"proc.apid",     "proc.aname",    "proc.aexe",
	                                  "proc.aexepath", "proc.acmdline", "proc.aenv"};
	static const char *const either[] = {"fd.ip", "fd.port", "fd.net", "fd.proto"};
	for (const char *name : any)
		if (f.name == name)
			return ancestors_text(inspector, evt, f.name);
	for (const char *name : either)
		if (f.name == name)
			return ends_text(evt, f.name);
	std::vector<extract_value_t> values;
	if (!f.check->extract(evt, values, false))
		return "";
	const auto *info = f.check->get_field_info();
	if (info->is_list())
		return list<extract_value_t>(values,
		                             [&](const extract_value_t &v) { return value_text(v, info->m_type); });
	// libsinsp takes a raw argument without bytes as none.
	if (values.empty() || !values[0].ptr || (!values[0].len && f.name.rfind("evt.rawarg.", 0) == 0))
		return "";
	return value_text(values[0], info->m_type);
}

// Calls `visit` for each event of the file.
uint64_t each_event(sinsp &inspector, const std::string &file, const std::function<void(sinsp_evt *)> &visit)
{
	uint64_t count = 0;
	inspector.open_savefile(file);
	for (;;) {
		sinsp_evt *evt = nullptr;
		const int32_t rc = inspector.next(&evt);
		if (rc == SCAP_TIMEOUT || rc == SCAP_FILTERED_EVENT)
			continue;
		if (rc == SCAP_EOF)
			break;
		if (rc != SCAP_SUCCESS)
			throw sinsp_exception(inspector.getlasterr());
		visit(evt);
		count++;
	}
	inspector.close();
	return count;
}

void capture_fields(const Json::Value &request)
{
	sinsp inspector;
	real_checks checks(load_plugins(inspector));
	sinsp_filter_factory factory(&inspector, checks);
	std::vector<wanted_field> fields;
	for (const auto &f : request["fields"]) {
		// What evt.buffer yields outside of a comparison is made printable first.
		const std::string name = f.asString(), from = name == "evt.buffer" ? "evt.rawarg.data" : name;
		wanted_field w = {name, factory.new_filtercheck(from)};
		if (!w.check)
			throw sinsp_exception("no field " + name);
		w.check->parse_field_name(from, true, true);
		fields.push_back(std::move(w));
	}
	const uint64_t n = each_event(inspector, request["capture"].asString(), [&](sinsp_evt *evt) {
		std::string out = "{\"n\":" + std::to_string(evt->get_num()) + ",\"fields\":{";
		bool first = true;
		for (const auto &f : fields) {
			const std::string v = field_text(inspector, evt, f);
			if (v.empty())
				continue;
			out += (first ? "" : ",") + quote(f.name) + ":" + v;
			first = false;
		}
		say(out + "}}");
	});
	say("{\"end\":" + std::to_string(n) + "}");
}

void capture_conditions(const Json::Value &request)
{
	sinsp inspector;
	real_checks checks(load_plugins(inspector));
	compiled c = compile(inspector, checks, request["conditions"], request["cache"].asBool());
	say("{" + errors_text(c) + "}");
	const uint64_t n = each_event(inspector, request["capture"].asString(), [&](sinsp_evt *evt) {
		std::string out = "{\"n\":" + std::to_string(evt->get_num()) + ",\"results\":[";
		for (size_t i = 0; i < c.filters.size(); i++)
			out += (i ? "," : "") + result_text(run(c.filters[i].get(), evt));
		say(out + "]}");
	});
	say("{\"end\":" + std::to_string(n) + "}");
}

// Falco's own way: a compiled filter for each rule, with the caches that libsinsp gives it, which hold for one event:
// so each round numbers its event anew.
void bench(const Json::Value &request)
{
	sinsp inspector;
	real_checks checks(load_plugins(inspector));
	compiled c = compile(inspector, checks, request["conditions"], true);
	const uint64_t rounds = request.get("rounds", 1).asUInt64();
	uint64_t number = 1ULL << 40, evaluations = 0, matches = 0;
	std::chrono::nanoseconds spent{0};
	for (const auto &e : c.errors)
		if (!e.empty())
			throw sinsp_exception(e);
	const uint64_t n = each_event(inspector, request["bench"].asString(), [&](sinsp_evt *evt) {
		const uint64_t own = evt->get_num();
		const auto start = std::chrono::steady_clock::now();
		for (uint64_t r = 0; r < rounds; r++) {
			evt->set_num(number++);
			for (const auto &f : c.filters)
				matches += f->run(evt);
		}
		spent += std::chrono::steady_clock::now() - start;
		evaluations += rounds * c.filters.size();
		evt->set_num(own);
	});
	say("{\"events\":" + std::to_string(n) + ",\"conditions\":" + std::to_string(c.filters.size()) +
	    ",\"evaluations\":" + std::to_string(evaluations) + ",\"matches\":" + std::to_string(matches) +
	    ",\"ns\":" + std::to_string(spent.count()) + "}");
}

// ---- requests ----------------------------------------------------------------------------------------------------

class oracle
{
      public:
	oracle() : m_plugins(load_plugins(m_inspector)), m_real(m_plugins)
	{
		mock_checks(m_mocks, m_plugins);
		m_around = std::make_unique<surroundings>(&m_inspector);
		around = m_around.get();
	}

	void answer(const Json::Value &request)
	{
		if (request.isMember("accept"))
			say("{\"accept\":" +
			    list<std::string>(compile(m_inspector, m_real, request["accept"], true).errors,
			                      null_or_text) +
			    "}");
		else if (request.isMember("capture") && request.isMember("fields"))
			capture_fields(request);
		else if (request.isMember("capture"))
			capture_conditions(request);
		else if (request.isMember("bench"))
			bench(request);
		else if (request.isMember("catalogue"))
			catalogue();
		else
			evaluate(request);
	}

      private:
	void evaluate(const Json::Value &request)
	{
		compiled c = compile(m_inspector, m_mocks, request["conditions"], request["cache"].asBool());
		std::string out = "{" + errors_text(c) + ",\"results\":[";
		bool first = true;
		for (const auto &values : request["events"]) {
			made_up_event evt(&m_inspector, values, ++m_number);
			out += first ? "[" : ",[";
			first = false;
			for (size_t i = 0; i < c.filters.size(); i++)
				out += (i ? "," : "") + result_text(run(c.filters[i].get(), &evt));
			out += "]";
		}
		say(out + "]}");
	}

	void catalogue()
	{
		std::vector<const filter_check_info *> infos;
		std::vector<std::string> fields, arguments;
		std::map<std::string, std::set<ppm_param_type>> names; // and the types that events give them
		m_real.get_all_fields(infos);
		for (const auto *i : infos)
			for (int32_t f = 0; f < i->m_nfields; f++) {
				const auto &field = i->m_fields[f];
				fields.push_back("{\"name\":" + quote(field.m_name) + ",\"class\":" + quote(i->m_name) +
				                 ",\"type\":" + quote(param_type_to_string(field.m_type)) +
				                 ",\"flags\":" + std::to_string(field.m_flags) + "}");
			}
		for (int e = 0; e < PPM_EVENT_MAX; e++) {
			const ppm_event_info &event = scap_get_event_info_table()[e];
			for (uint32_t p = 0; p < event.nparams; p++)
				names[event.params[p].name].insert(event.params[p].type);
		}
		sinsp_filter_factory factory(&m_inspector, m_real);
		for (const auto &[n, types] : names) {
			auto check = factory.new_filtercheck("evt.rawarg." + n);
			if (!check)
				continue;
			check->parse_field_name("evt.rawarg." + n, true, true);
			arguments.push_back("{\"name\":" + quote(n) + ",\"type\":" +
			                    quote(param_type_to_string(check->get_field_info()->m_type)) +
			                    ",\"types\":" + std::to_string(types.size()) + "}");
		}
		auto same = [](const std::string &t) { return t; };
		say("{\"fields\":" + list<std::string>(fields, same) +
		    ",\"arguments\":" + list<std::string>(arguments, same) + "}");
	}

	sinsp m_inspector;
	plugins m_plugins;
	real_checks m_real;
	filter_check_list m_mocks;
	std::unique_ptr<surroundings> m_around;
	uint64_t m_number = 0;
};

} // namespace

int main()
{
	std::string line;
	try {
		oracle o;
		catch_crashes();
		while (std::getline(std::cin, line)) {
			Json::Value request;
			std::string error;
			Json::CharReaderBuilder builder;
			std::unique_ptr<Json::CharReader> reader(builder.newCharReader());
			if (!reader->parse(line.data(), line.data() + line.size(), &request, &error)) {
				say("{\"error\":" + quote(error) + "}");
			} else {
				try {
					o.answer(request);
				} catch (const std::exception &e) {
					say("{\"error\":" + quote(e.what()) + "}");
				}
			}
			std::fflush(stdout);
		}
	} catch (const std::exception &e) {
		std::fprintf(stderr, "oracle: %s\n", e.what());
		return 1;
	}
	return 0;
}
