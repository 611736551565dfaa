# Runs the same seeds in two processes, which have everything at other addresses, and compares their
# whole event logs.   cmake -DPROGRAM=… -P replay_test.cmake
foreach(run first second)
  execute_process(
    COMMAND "${PROGRAM}" --seed=1 --histories=30 --verbose
    OUTPUT_VARIABLE ${run}
    RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "the simulation ended with ${status}:\n${${run}}")
  endif()
  # The last line has the time that it took.
  string(REGEX REPLACE "\n[^\n]*\n$" "\n" ${run} "${${run}}")
endforeach()
if(NOT first STREQUAL second)
  message(FATAL_ERROR "the same seeds gave different histories")
endif()
