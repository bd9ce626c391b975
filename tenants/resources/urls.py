from django.urls import URLPattern, path

from tenants.resources import stock_views as stock
from tenants.resources import views

urlpatterns: list[URLPattern] = [
    path("persons", views.PersonList.as_view(), name="person-list"),
    path("persons.csv", stock.PersonTable.as_view(), name="person-table"),
    path("persons/<uuid:person_id>", views.PersonDetail.as_view(), name="person-detail"),
    path("persons/<uuid:person_id>/assess", views.PersonAssess.as_view(), name="person-assess"),
    path(
        "persons/<uuid:person_id>/certificates",
        views.PersonCertificateList.as_view(),
        name="person-certificate-list",
    ),
    path("persons/<uuid:person_id>/trainings", views.PersonTrainingList.as_view(), name="person-training-list"),
    path("persons/<uuid:person_id>/move", views.PersonMove.as_view(), name="person-move"),
    path("persons/<uuid:person_id>/erase", views.PersonErase.as_view(), name="person-erase"),
    path("skills", views.SkillList.as_view(), name="skill-list"),
    path("skills-matrix", views.SkillsMatrix.as_view(), name="skills-matrix"),
    path("site-requirements", views.RequirementList.as_view(), name="site-requirement-list"),
    path("site-requirements/<uuid:requirement_id>", views.RequirementDetail.as_view(), name="site-requirement-detail"),
    path("certificates", views.CertificateList.as_view(), name="certificate-list"),
    path("certificates.csv", stock.CertificateTable.as_view(), name="certificate-table"),
    path("certificate-expiries", views.CertificateExpiries.as_view(), name="certificate-expiries"),
    path("materials", stock.MaterialList.as_view(), name="material-list"),
    path("stock-levels", stock.StockLevelList.as_view(), name="stock-level-list"),
    path("stock-moves", stock.StockMoveList.as_view(), name="stock-move-list"),
    path("stock-transfers", stock.StockTransferList.as_view(), name="stock-transfer-list"),
    path("stock-check", stock.StockCheck.as_view(), name="stock-check"),
    path("stock.csv", stock.StockTable.as_view(), name="stock-table"),
    path("bookings", stock.BookingList.as_view(), name="booking-list"),
    path("bookings/<uuid:booking_id>", stock.BookingDetail.as_view(), name="booking-detail"),
    path("bookings/<uuid:booking_id>/cancel", stock.BookingCancel.as_view(), name="booking-cancel"),
    path("relocations", stock.RelocationList.as_view(), name="relocation-list"),
    path("equipment/<uuid:equipment_id>/move", stock.EquipmentMove.as_view(), name="equipment-move"),
    path("equipment/<uuid:equipment_id>/status", stock.EquipmentStatus.as_view(), name="equipment-status"),
]
