# Mends include directories that stop a build with the ROS 2 wheels of PyPI; with ROS from apt it
# finds nothing to mend. It works at the end of the directory's configuration, when all of its
# targets are known.

# The wheels export include directories of the machine that built them, and CMake stops at an
# imported target whose include directory does not exist.
function(_drop_missing_includes)
  get_property(imported DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS imported)
    get_target_property(includes ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(NOT includes)
      continue()
    endif()
    set(present "")
    foreach(include IN LISTS includes)
      string(GENEX_STRIP "${include}" plain)
      if(NOT plain STREQUAL include OR EXISTS "${include}")
        list(APPEND present "${include}")
      endif()
    endforeach()
    set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${present}")
  endforeach()
endfunction()

# The generated Python bindings export NumPy's headers by their full path. Where that lies inside
# the source tree, as in a .venv beside the sources, CMake refuses to export it; no one builds
# against the bindings.
function(_keep_numpy_out_of_exports)
  set(target ${PROJECT_NAME}__rosidl_generator_py)
  if(NOT TARGET ${target})
    return()
  endif()
  get_target_property(includes ${target} INTERFACE_INCLUDE_DIRECTORIES)
  list(TRANSFORM includes REPLACE "^([^$].*numpy.*)$" "$<BUILD_INTERFACE:\\1>")
  set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${includes}")
endfunction()

cmake_language(DEFER CALL _drop_missing_includes)
cmake_language(DEFER CALL _keep_numpy_out_of_exports)
