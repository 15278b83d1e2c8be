/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both plugins say of themselves.
 */
#ifndef TERCEL_PLUGIN_VERSION_H
#define TERCEL_PLUGIN_VERSION_H

/* TERCEL_VERSION comes from the build. */
#define TERCEL_CONTACT "The Tercel authors"
/* Stock rule files ask for a plugin named container, at least 0.4.0; Falco's own stood at 0.7 when this was written. */
#define TERCEL_CONTAINER_VERSION "0.7.0"

#endif
