// SPDX-License-Identifier: Apache-2.0
//
// The fields of the catalogue that come from plugins, as a plugin that libsinsp reads in this process: names, types and
// arguments, and no values. Knows compat/fields_table.h and libsinsp's plugin interface.
#ifndef TERCEL_TESTS_TABLE_PLUGIN_H
#define TERCEL_TESTS_TABLE_PLUGIN_H

#include <memory>
#include <string>

#include <json/json.h>
#include <libsinsp/plugin.h>
#include <libsinsp/sinsp.h>

extern "C" {
#include "compat/fields.h"
}

// One class for each plugin, since a plugin's functions get no context.
template <enum field_provider plugin> class table_plugin
{
      public:
	static std::shared_ptr<sinsp_plugin> add(sinsp &inspector)
	{
		static const plugin_api api = make();
		std::string error;
		auto loaded = inspector.register_plugin(&api);
		if (!loaded->init("", error))
			throw sinsp_exception(error);
		return loaded;
	}

      private:
	struct row {
		const char *name;
		enum field_class in_class;
		enum field_type type;
		enum field_arg arg;
		unsigned int flags;
	};

	static bool is_ours(enum field_class c)
	{
		return plugin == FIELD_FROM_TERCEL ? c == FIELD_CLASS_TERCEL
		                                   : c == FIELD_CLASS_CONTAINER || c == FIELD_CLASS_K8S;
	}

	// Plugins have these types and strings, no others.
	static const char *type_name(enum field_type type)
	{
		return type == FIELD_TYPE_BOOL      ? "bool"
		       : type == FIELD_TYPE_UINT64  ? "uint64"
		       : type == FIELD_TYPE_RELTIME ? "reltime"
		       : type == FIELD_TYPE_ABSTIME ? "abstime"
		       : type == FIELD_TYPE_IP      ? "ipaddr"
		       : type == FIELD_TYPE_NET     ? "ipnet"
		                                    : "string";
	}

	static std::string document()
	{
		static const row rows[] = {
#define X(id, name, in_class, type, arg, flags, description) \
	{name, FIELD_CLASS_##in_class, FIELD_TYPE_##type, FIELD_ARG_##arg, flags},
		        TERCEL_FIELDS(X)
#undef X
		};
		Json::Value fields(Json::arrayValue);
		for (const row &r : rows) {
			Json::Value field;
			if (!is_ours(r.in_class))
				continue;
			field["name"] = r.name;
			field["type"] = type_name(r.type);
			field["desc"] = r.name;
			field["isList"] = (r.flags & FIELD_LIST) != 0;
			if (r.arg != FIELD_ARG_NONE) {
				field["arg"]["isRequired"] = true;
				field["arg"]["isKey"] = true;
				field["arg"]["isIndex"] = r.arg == FIELD_ARG_KEY_OR_INDEX;
			}
			fields.append(field);
		}
		return Json::FastWriter().write(fields);
	}

	static plugin_api make()
	{
		plugin_api api = {};
		api.get_required_api_version = []() { return "3.0.0"; };
		api.get_name = []() { return plugin == FIELD_FROM_CONTAINER ? "container" : "tercel"; };
		api.get_description = []() { return "fields of the catalogue, without values"; };
		api.get_contact = []() { return ""; };
		api.get_version = []() { return "0.7.0"; };
		api.get_last_error = [](ss_plugin_t *) { return ""; };
		api.init = [](const ss_plugin_init_input *, ss_plugin_rc *rc) -> ss_plugin_t * {
			static int state;
			*rc = SS_PLUGIN_SUCCESS;
			return reinterpret_cast<ss_plugin_t *>(&state);
		};
		api.destroy = [](ss_plugin_t *) {};
		api.get_fields = []() {
			static const std::string text = document();
			return text.c_str();
		};
		api.extract_fields = [](ss_plugin_t *, const ss_plugin_event_input *,
		                        const ss_plugin_field_extract_input *in) {
			for (uint32_t i = 0; i < in->num_fields; i++)
				in->fields[i].res_len = 0;
			return SS_PLUGIN_SUCCESS;
		};
		return api;
	}
};

#endif
