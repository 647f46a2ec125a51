# Finds a Go that can build guests: sets FISO_GO (empty if there are to be no Go guests), FISO_GO_CACHE and FISO_GO_ROOT.
# The one that tools/setup.sh fetches comes first. FISO_NO_GO=1 in the environment, or FISO_GO_GUESTS=OFF, does without.
set(FISO_GO "")
set(go_folder "$ENV{FISO_BUILD_CACHE}")
if(NOT go_folder)
  set(go_folder "$ENV{HOME}/.cache/fiso")
endif()
set(FISO_GO_CACHE "$ENV{GOCACHE}")
if(NOT FISO_GO_CACHE)
  set(FISO_GO_CACHE ${go_folder}/go-build)
endif()

if(FISO_GO_GUESTS AND NOT "$ENV{FISO_NO_GO}" STREQUAL "1")
  # The port that guests are built for came with Go 1.21. Looked up anew each time: setup may have run since.
  function(go_is_new_enough result path)
    execute_process(COMMAND ${CMAKE_COMMAND} -E env GOTOOLCHAIN=local ${path} env GOVERSION
      OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    string(REGEX REPLACE "^go" "" version "${version}")
    if(NOT version OR version VERSION_LESS 1.21)
      set(${result} FALSE PARENT_SCOPE)
    endif()
  endfunction()
  find_program(found_go go HINTS ${go_folder}/go/bin NO_CACHE VALIDATOR go_is_new_enough)
  if(NOT found_go)
    message(FATAL_ERROR "Go 1.21 or newer was not found, and some guests are written in Go: run tools/setup.sh, "
      "which fetches one to ${go_folder}/go/bin (or set FISO_NO_GO=1 in the environment to leave those guests out)")
  endif()
  set(FISO_GO ${found_go})
  execute_process(COMMAND ${CMAKE_COMMAND} -E env GOTOOLCHAIN=local ${FISO_GO} env GOROOT
    OUTPUT_VARIABLE FISO_GO_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE)
  set_property(GLOBAL APPEND PROPERTY JOB_POOLS go_guests=1)
endif()
