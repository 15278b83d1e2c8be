// SPDX-License-Identifier: Apache-2.0
//
// A host as near to Falco as Debian offers: libsinsp, the plugin loader, the full platform. Loads plugins, opens the
// one that sources events, and prints what libsinsp resolves as JSON lines. Decides nothing: the tests do.
//
//   host --plugin FILE[=INIT_CONFIG]… [--source NAME] [--filter CONDITION] [--fields a,b,…] [--rules FILE]
//        [--seconds N] [--schema]
//
// --rules: lines "name<TAB>condition"; each event prints one line for every rule that matches, with "rule".
// --source: name of the plugin that is opened; without one nothing is opened (loading alone).
// The first line on stdout is {"ready":true} as soon as events are read. Ends after --seconds (60), at end of file on
// stdin, or on SIGTERM. Exit status: 0, or 1 with the host's message on stderr.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <memory>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <libsinsp/eventformatter.h>
#include <libsinsp/filter.h>
#include <libsinsp/filter_check_list.h>
#include <libsinsp/plugin.h>
#include <libsinsp/sinsp.h>

static volatile sig_atomic_t stop;

static void on_signal(int)
{
	stop = 1;
}

static std::string json(const std::string &s)
{
	std::string out = "\"";
	for (unsigned char c : s) {
		char hex[8];
		if (c == '"' || c == '\\') {
			out += '\\';
			out += static_cast<char>(c);
		} else if (c < 0x20 || c >= 0x7f) {
			std::snprintf(hex, sizeof(hex), "\\u%04x", c);
			out += hex;
		} else {
			out += static_cast<char>(c);
		}
	}
	return out + '"';
}

static std::vector<std::string> split(const std::string &s, char by)
{
	std::vector<std::string> out;
	size_t at = 0;
	while (at <= s.size() && !s.empty()) {
		size_t end = s.find(by, at);
		if (end == std::string::npos)
			end = s.size();
		out.push_back(s.substr(at, end - at));
		at = end + 1;
	}
	return out;
}

struct options {
	std::vector<std::string> plugins;
	std::string source, filter, fields, rules;
	int seconds = 60;
	bool schema = false;
};

struct rule {
	std::string name;
	std::unique_ptr<sinsp_filter> filter;
};

class host
{
      public:
	explicit host(const options &o) : m_options(o)
	{
		m_checks.reset(new sinsp_filter_check_list());
		for (const auto &p : o.plugins)
			load(p);
		auto factory = std::make_shared<sinsp_filter_factory>(&m_inspector, *m_checks);
		if (!o.rules.empty())
			load_rules(factory);
		else
			m_rules.push_back({"", compile(factory, o.filter)});
		for (const auto &f : split(o.fields, ','))
			m_formatters.emplace_back(
			        f, std::make_unique<sinsp_evt_formatter>(&m_inspector, "%" + f, *m_checks));
	}

	void run()
	{
		if (m_options.source.empty())
			return;
		m_inspector.open_plugin(m_options.source, "", sinsp_plugin_platform::SINSP_PLATFORM_FULL);
		m_inspector.start_capture();
		std::puts("{\"ready\":true}");
		std::fflush(stdout);
		time_t end = time(nullptr) + m_options.seconds;
		while (!stop && time(nullptr) < end && !stdin_closed())
			step();
		m_inspector.stop_capture();
		m_inspector.close();
	}

      private:
	void load(const std::string &spec)
	{
		size_t equals = spec.find('=');
		auto plugin = m_inspector.register_plugin(spec.substr(0, equals));
		std::string error;
		if (m_options.schema) {
			ss_plugin_schema_type type;
			std::puts(plugin->get_init_schema(type).c_str());
			std::fflush(stdout);
		}
		if (!plugin->init(equals == std::string::npos ? "" : spec.substr(equals + 1), error))
			throw sinsp_exception(error);
		if (plugin->caps() & CAP_EXTRACTION)
			m_checks->add_filter_check(sinsp_plugin::new_filtercheck(plugin));
	}

	std::unique_ptr<sinsp_filter> compile(const std::shared_ptr<sinsp_filter_factory> &factory,
	                                      const std::string &condition)
	{
		if (condition.empty())
			return nullptr;
		return sinsp_filter_compiler(factory, condition).compile();
	}

	void load_rules(const std::shared_ptr<sinsp_filter_factory> &factory)
	{
		std::ifstream in(m_options.rules);
		std::string line;
		if (!in)
			throw sinsp_exception("cannot read " + m_options.rules);
		while (std::getline(in, line)) {
			size_t tab = line.find('\t');
			if (tab == std::string::npos)
				throw sinsp_exception("no tab in line: " + line);
			m_rules.push_back({line.substr(0, tab), compile(factory, line.substr(tab + 1))});
		}
	}

	// Looked at once in a while only: the loop is busy when events come.
	bool stdin_closed()
	{
		if (++m_turns % 64)
			return false;
		struct pollfd p = {0, POLLIN, 0};
		char byte;
		return poll(&p, 1, 0) > 0 && read(0, &byte, 1) <= 0;
	}

	void print(sinsp_evt *evt, const std::string &name)
	{
		std::string out = "{";
		if (!name.empty())
			out += "\"rule\":" + json(name) + ",";
		out += "\"fields\":{";
		bool first = true;
		for (auto &f : m_formatters) {
			std::string value;
			bool known = f.second->tostring(evt, value);
			out += (first ? "" : ",") + json(f.first) + ":" + (known ? json(value) : "null");
			first = false;
		}
		std::puts((out + "}}").c_str());
		std::fflush(stdout);
	}

	void step()
	{
		sinsp_evt *evt = nullptr;
		int32_t rc = m_inspector.next(&evt);
		if (rc == SCAP_TIMEOUT) {
			m_turns |= 63;
			return;
		}
		if (rc == SCAP_FILTERED_EVENT)
			return;
		if (rc != SCAP_SUCCESS)
			throw sinsp_exception(m_inspector.getlasterr());
		for (auto &r : m_rules)
			if (!r.filter || r.filter->run(evt))
				print(evt, r.name);
	}

	options m_options;
	sinsp m_inspector;
	std::unique_ptr<sinsp_filter_check_list> m_checks;
	std::vector<rule> m_rules;
	std::vector<std::pair<std::string, std::unique_ptr<sinsp_evt_formatter>>> m_formatters;
	unsigned m_turns = 0;
};

static bool parse(int argc, char **argv, options &o)
{
	for (int i = 1; i < argc; i++) {
		std::string arg = argv[i];
		if (arg == "--schema") {
			o.schema = true;
			continue;
		}
		if (++i >= argc)
			return false;
		if (arg == "--plugin")
			o.plugins.emplace_back(argv[i]);
		else if (arg == "--source")
			o.source = argv[i];
		else if (arg == "--filter")
			o.filter = argv[i];
		else if (arg == "--fields")
			o.fields = argv[i];
		else if (arg == "--rules")
			o.rules = argv[i];
		else if (arg == "--seconds")
			o.seconds = std::atoi(argv[i]);
		else
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	options o;
	if (!parse(argc, argv, o)) {
		std::fprintf(stderr, "host: bad usage, see the head of host.cpp\n");
		return 2;
	}
	std::signal(SIGTERM, on_signal);
	std::signal(SIGINT, on_signal);
	try {
		host(o).run();
	} catch (const std::exception &e) {
		std::fprintf(stderr, "host: %s\n", e.what());
		return 1;
	}
	return 0;
}
