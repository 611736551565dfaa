# What `cmake --install` puts where; the client library installs itself (client/cpp).
include(GNUInstallDirs)

foreach(program eventbusd eventbusctl)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT programs)
  endif()
endforeach()

# The protos, for those who generate a client of their own.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/proto/eventbus" DESTINATION "${CMAKE_INSTALL_DATADIR}/eventbus/proto"
        COMPONENT programs FILES_MATCHING PATTERN "*.proto")
install(FILES "${PROJECT_SOURCE_DIR}/config/eventbus.yaml" DESTINATION "${CMAKE_INSTALL_SYSCONFDIR}/eventbus"
        COMPONENT programs OPTIONAL)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT programs)
